"""Compares what `proxyspec pcap check` says with truth files; prints TAP.

    truth.py CAPTURES      the folder that holds truth/ and the captures

A truth file has a row for each session. Each has to be told, by the address
of its client, with its protocol, method, command, target and code, the peer of
a BIND, the relay of an association and how many datagrams passed; and no
other session or candidate may be told. What differs for a known reason stands
in KNOWN.
"""

import csv
import json
import os
import subprocess
import sys

PROXYSPEC = os.environ["PROXYSPEC"]
FOLDERS = ("socks", "http", "lab", "lab-derived", "negative", "tcp")

# (file, first frame): why what is told differs, or why nothing is.
KNOWN = {
    ("zeek-connect-with-smtp.pcap", 1): "a request line of four words is no CONNECT",
    ("lab-microsocks-segments.pcap", 34): "half a SOCKS4 request, no whole message",
    ("lab-microsocks-segments.pcap", 107): "half a SOCKS4 request, no whole message",
    ("lab-microsocks-segments.pcap", 151): "a request of version 4 is not read on",
    ("lab-tinyproxy.pcap", 305): "target without a port",
    ("lab-tinyproxy.pcap", 337): "target that is a URL",
    ("lab-tinyproxy.pcap", 361): "target with an impossible port",
}

# libpcap reads files of one link type only; it says so, and no session.
UNREADABLE = {"lab-d-two-linktypes.pcapng"}

PROTOCOLS = {
    "socks4": "socks4",
    "socks4a": "socks4",
    "socks5": "socks5",
    "http-connect": "http",
    "http-forward": "http",
}
COMMANDS = {"UDP_ASSOCIATE": "UDP ASSOCIATE", "cmd9": "unassigned"}


def endpoint(host, port):
    return f"[{host}]:{port}" if ":" in host and host[0] != "[" else f"{host}:{port}"


def client_of(row):
    host, _, port = row["client"].rpartition(":")
    return endpoint(host, port)


def check(path):
    run = subprocess.run([PROXYSPEC, "pcap", "check", "--json", path], timeout=100,
                         capture_output=True, text=True, check=False)
    return json.loads(run.stdout)["files"][0]


def expected(row):
    """What has to be told of a session; absent where the truth says nothing."""
    want = {"protocol": PROTOCOLS[row["proto"]]}
    if row["method_chosen"]:
        want["method"] = int(row["method_chosen"])
    if row["cmd"] and row["rep"]:
        want["command"] = COMMANDS.get(row["cmd"], row["cmd"]).split(",")[0]
    if row["rep"].isdigit():
        want["code"] = int(row["rep"])
    if row["rep"] and row["dst"] and row["dst"] != "?":
        port = row["dport"]
        if not port:
            port = "" if row["dst"].rpartition(":")[2].isdigit() else "80"
        want["target"] = endpoint(row["dst"], port) if port else row["dst"]
    want["candidate"] = is_candidate(row)
    if row["cmd"].startswith("UDP_ASSOCIATE") and row["rep"] == "0":
        want["relay"] = endpoint(row["bnd"], row["bport"])
        want["datagrams"] = {"client": int(row["udp_c2r"]),
                             "server": int(row["udp_r2c"])}
    if row["bnd2"]:
        want["bind_peer"] = row["bnd2"]
    return want


def is_candidate(row):
    if row["proto"] == "socks5":
        return not row["method_chosen"]
    return not row["rep"].isdigit()


def differences(name, rows, told):
    known = []
    wrong = []
    by_client = {}
    for session in told["sessions"]:
        by_client.setdefault(session["client"], []).append(session)
    for row in rows:
        sessions = by_client.get(client_of(row), [])
        got = sessions.pop(0) if sessions else None
        lines = []
        if got is None:
            lines.append("not told")
        else:
            lines += [f"{key}: {got[key]!r}, not {value!r}"
                      for key, value in expected(row).items() if got[key] != value]
        if lines:
            frame = int(row["first_frame"])
            reason = KNOWN.get((name, frame))
            text = f"frame {frame} {row['proto']}: {'; '.join(lines)}"
            (known if reason else wrong).append(f"{text} ({reason})" if reason else text)
    for rest in by_client.values():
        wrong += [f"frame {s['frame']} {s['client']} {s['protocol']}: in no truth file"
                  for s in rest]
    return known, wrong


def main(captures):
    count = failures = 0
    for folder in FOLDERS:
        for name in sorted(os.listdir(os.path.join(captures, folder))):
            truth = os.path.join(captures, "truth", name + ".tsv")
            rows = []
            if os.path.exists(truth):
                with open(truth, newline="", encoding="utf-8") as file:
                    rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
            told = check(os.path.join(captures, folder, name))
            if name in UNREADABLE:
                known, wrong = [told["error"] or ""], []
                if not told["error"] or told["sessions"]:
                    wrong = ["was read after all"]
            else:
                known, wrong = differences(name, rows, told)
            count += 1
            failures += bool(wrong)
            print(f"{'not ok' if wrong else 'ok'} {count} - {folder}/{name}: "
                  f"{len(rows)} sessions")
            for line in known:
                print(f"# known: {line}")
            for line in wrong:
                print(f"# {line}")
    print(f"1..{count}")
    return failures > 0


sys.exit(main(sys.argv[1]))
