/* counters.h - what a hart has done, exactly. */
#ifndef DV_MACHINE_COUNTERS_H
#define DV_MACHINE_COUNTERS_H

#include <stdint.h>

/* Modes as a researcher counts them: V=0 first. */
typedef enum dv_where {
    DV_IN_U,
    DV_IN_HS,
    DV_IN_M,
    DV_IN_VU,
    DV_IN_VS,
    DV_N_WHERE
} dv_where;

enum { DV_N_CAUSES = 64 };

typedef struct dv_hart_counters {
    uint64_t instructions[DV_N_WHERE];
    uint64_t last_counted; /* n_counted when the present mode began */
    uint64_t exceptions[DV_N_WHERE][DV_N_WHERE][DV_N_CAUSES]; /* [from][to][cause] */
    uint64_t interrupts[DV_N_WHERE][DV_N_WHERE][DV_N_CAUSES];
    uint64_t returns[DV_N_WHERE][DV_N_WHERE];
} dv_hart_counters;

/* "U", "HS", "M", "VU", "VS" */
const char *dv_where_name(dv_where where);

/* "ecall from VS", "load guest page fault"; interrupts "timer (S)". */
const char *dv_cause_name(uint64_t cause);

#endif /* DV_MACHINE_COUNTERS_H */
