/* trace.c - see trace.h. */
#include "machine/trace.h"

#include "machine/machine_state.h"

static void tell(const dv_hart *h, dv_event event, dv_where from, uint64_t pc)
{
    event.ns = dv_hart_now_ns(h);
    event.hart = h->id;
    event.from = from;
    event.to = dv_hart_where(h);
    event.pc = pc;
    event.target = h->pc;
    h->machine->trace(h->machine->trace_payload, &event);
}

void dv_trace_trap(const dv_hart *h, const dv_trap *trap, dv_where from, uint64_t pc)
{
    if (!h->machine->trace) return;
    dv_event event = {.cause = trap->cause, .tval = trap->tval, .tval2 = trap->tval2};
    tell(h, event, from, pc);
}

void dv_trace_return(const dv_hart *h, dv_where from, uint64_t pc)
{
    if (!h->machine->trace) return;
    tell(h, (dv_event){.is_return = true}, from, pc);
}
