/* What a fault can make the server do: between session and sockets. */

#include "fault.h"

#include <string.h>

#include "world.h"

#define HI "\x05\x01\x00"

static bool is_selection(const struct action *action)
{
    return action->kind == ACTION_SEND_CLIENT &&
           action->send.message == MESSAGE_METHOD_SELECTION;
}

static enum fault_verdict drop(struct fault_memory *memory,
                               struct action *action)
{
    (void)memory;
    return is_selection(action) ? FAULT_DROP : FAULT_PASS;
}

static enum fault_verdict hang(struct fault_memory *memory,
                               struct action *action)
{
    (void)memory;
    return is_selection(action) ? FAULT_HANG : FAULT_PASS;
}

static enum fault_verdict abort_it(struct fault_memory *memory,
                                   struct action *action)
{
    (void)memory;
    return is_selection(action) ? FAULT_ABORT : FAULT_PASS;
}

/* Another octet in the message, more behind it, and the end. */
static enum fault_verdict change(struct fault_memory *memory,
                                 struct action *action)
{
    if (!is_selection(action))
        return FAULT_PASS;
    memory->out[0] = 0x04;
    memory->out[1] = '+';
    action->send.data = px_bytes_of(memory->out, 1);
    memory->after[0] = *action;
    memory->after[0].send.data = px_bytes_of(memory->out + 1, 1);
    memory->after[1] = (struct action){.kind = ACTION_CLOSE};
    memory->after_count = 2;
    return FAULT_PASS;
}

static enum fault_verdict deaf(struct fault_memory *memory, struct event *event)
{
    return event->kind == EVENT_CLIENT_DATA && memory->count[0]++ == 0
               ? FAULT_DROP
               : FAULT_PASS;
}

/* The message is whole, however it was cut: its method becomes another. */
static enum fault_verdict spoil(struct fault_memory *memory,
                                struct event *event)
{
    if (session_state(memory->session) == SESSION_GREETING &&
        event->data.len == 3)
        memory->in[2] = 0x02;
    return FAULT_PASS;
}

static void ask_for_nothing(struct fault_memory *memory)
{
    memory->config.verify = NULL;
}

struct fault_row {
    const char *name;
    struct fault fault;
    struct px_bytes answer; /* to two greetings, one after the other */
    enum { STAYS, ENDS, RESETS } end;
};

static const struct fault_row rows[] = {
    {"none", {.name = "none"}, BYTES("\x05\x00"), STAYS},
    {"drop", {.on_action = drop}, BYTES(""), STAYS},
    {"hang", {.on_action = hang}, BYTES(""), STAYS},
    {"abort", {.on_action = abort_it}, BYTES(""), RESETS},
    {"change", {.on_action = change}, BYTES("\x04+"), ENDS},
    {"deaf", {.on_event = deaf}, BYTES("\x05\x00"), STAYS},
    {"message", {.on_message = spoil}, BYTES("\x05\xff"), ENDS},
    {"configure", {.configure = ask_for_nothing}, BYTES("\x05\x00"), STAYS},
};

static void check_fault_cut(const struct fault_row *row, size_t cut)
{
    static const struct px_bytes greeting = BYTES(HI);
    void *own = NULL;
    struct world *w;
    struct peer *client;

    assert_int_equal(world_setup(&own), 0);
    w = own;
    w->config.fault = &row->fault;
    w->config.user = row->fault.configure ? "me" : NULL;
    world_serve(w);
    client = world_socks_client(w);
    peer_send(client, px_bytes_of(greeting.data, cut));
    if (cut < greeting.len) {
        world_settle(w);
        peer_send(client, px_bytes_of(greeting.data + cut, greeting.len - cut));
    }
    world_settle(w);
    if (!client->is_reset)
        peer_send(client, PX_LITERAL(HI));
    world_settle(w);
    assert_bytes_equal(px_bytes_of(client->head, client->got), row->answer);
    assert_int_equal(client->is_ended, row->end == ENDS);
    assert_int_equal(client->is_reset, row->end == RESETS);
    assert_int_equal(world_teardown(&own), 0);
}

static void check_fault(void **state)
{
    const struct fault_row *row = *state;

    check_fault_cut(row, 3);
    if (row->fault.on_message)
        check_fault_cut(row, 1);
}

int main(void)
{
    return RUN_ROWS(rows, check_fault);
}
