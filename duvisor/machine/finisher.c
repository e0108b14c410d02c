/* finisher.c - the register that ends a run ("sifive,test"). */
#include "machine/machine_state.h"

bool dv_finisher_store(dv_machine *m, unsigned n_bytes, uint64_t value)
{
    if (n_bytes < 2) return false;
    uint32_t code = (uint32_t)value >> 16;
    switch (value & 0xffff) {
    case RV_FINISH_PASS: m->stop = (dv_stop){DV_STOP_FINISHED, 0}; break;
    case RV_FINISH_FAIL: m->stop = (dv_stop){DV_STOP_FINISHED, code ? code : 1}; break;
    case RV_FINISH_RESET: m->stop = (dv_stop){DV_STOP_RESET, 0}; break;
    default: return true;
    }
    m->is_stopped = true;
    for (unsigned i = 0; i < m->options.n_harts; i++)
        m->harts[i].is_attended = true;
    return true;
}
