#!/bin/sh
# A run shared with processes of our own says what it says alone.
. "$(dirname "$0")/tap.sh"

mkdir "$scratch/own"
# Origins of the helper have ports below 21120, ours those above: by that a
# scenario of "half" behaves otherwise where it is looked at again.
cat >"$scratch/own/many.lua" <<'EOF'
for i = 1, 420 do
  scenario(string.format("own.%03d.%s", i, i % 30 == 0 and "wrong"
                         or i % 20 == 0 and "half" or "right")) {
    title  = "one of many",
    checks = { "socks5.connect.relay" },
    needs  = { "socks5" },
    run    = function (t)
      t:check(i % 30 ~= 0, "socks5.connect.relay", "wrong everywhere")
      t:check(i % 20 ~= 0 or t:origin().port > 21120, "socks5.connect.relay",
              "wrong in one half")
    end,
  }
end
EOF

run() { # REPORT COMMAND…: with the scenarios above
    report=$scratch/$1.json
    shift
    timeout 120 "$@" test -q --scenarios "$scratch/own" --only 'own.*' \
        --report json="$report"
}

tell() { # REPORT: verdicts by what the scenarios are named for
    jq -r '.targets[0].results | group_by(.scenario | split(".")[2])[] |
        "\(.[0].scenario | split(".")[2]) \([.[].verdict] | group_by(.) |
        map("\(.[0])=\(length)") | join(" "))"' "$scratch/$1.json"
}

one_cpu() {
    taskset -cp $$ | sed 's/.*[ ,-]//'
}

# Here all origins are "ours": half of their ports are low, which shows by
# chance.
alone() {
    run alone taskset -c "$(one_cpu)" "$PROXYSPEC"
    [ $? = 1 ] || return 1
    tell alone
    tell alone | grep -qx 'right pass=392' &&
        tell alone | grep -qx 'wrong fail=14'
}

shared() {
    run shared "$PROXYSPEC"
    [ $? = 1 ] || return 1
    tell shared
    tell shared | grep -q '^half flaky=[0-9]* pass=[0-9]*$' &&
        tell shared | grep -qx 'right pass=392' &&
        tell shared | grep -qx 'wrong fail=14'
}

killed() {
    "${PROXYSPEC_RELEASE:-$PROXYSPEC}" test -q --no-slow >"$scratch/killed" 2>&1 &
    whole=$!
    for _ in $(seq 200); do
        helper=$(pgrep -P "$whole" -f '^/proc/self/exe helper' | head -n 1)
        [ -n "$helper" ] && break
        sleep 0.05
    done
    sleep 0.5
    kill -KILL "$helper"
    wait "$whole"
    status=$?
    cat "$scratch/killed"
    [ $status = 0 ] && grep -q 'a helper failed, its scenarios run here' \
        "$scratch/killed"
}

helper_refuses() {
    ends_with 4 'proxyspec helper: .*nowhere' "$PROXYSPEC" helper \
        "$scratch/nowhere" &&
        echo '{{' >"$scratch/order" &&
        ends_with 4 "proxyspec helper: $scratch/order: no order" \
            "$PROXYSPEC" helper "$scratch/order"
}

ok "a run on one processor" alone
if [ "$(nproc)" -gt 1 ]; then
    ok "a run on several says the same, and what did not repeat" shared
    ok "what a helper that was killed had to do is done" killed
else
    skip "a run on several processors" "there is one"
    skip "a helper that is killed" "there is one processor"
fi
ok "a helper without an order says so" helper_refuses
done_testing
