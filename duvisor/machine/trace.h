/* trace.h - telling whoever listens about changes of mode. */
#ifndef DV_MACHINE_TRACE_H
#define DV_MACHINE_TRACE_H

#include "machine/hart.h"

void dv_trace_trap(const dv_hart *h, const dv_trap *trap, dv_where from, uint64_t pc);
void dv_trace_return(const dv_hart *h, dv_where from, uint64_t pc);

#endif /* DV_MACHINE_TRACE_H */
