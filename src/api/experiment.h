/* experiment.h - what `grating bench` and tests may ask for, and nobody else: parts of
 * the engine switched off, and decisions taken from a list.  Not installed. */
#ifndef GRT_API_EXPERIMENT_H
#define GRT_API_EXPERIMENT_H

#include "grating.h"

#ifdef __cplusplus
extern "C" {
#endif

/* After `layer` layers the n_select best candidates are selected and the n_drop worst
 * dropped. */
#ifndef GRT_HAS_SCHEDULE_ENTRY
#define GRT_HAS_SCHEDULE_ENTRY
typedef struct grt_schedule_entry {
    size_t layer;
    size_t n_select;
    size_t n_drop;
} grt_schedule_entry;
#endif

typedef struct grt_experiment {
    const grt_schedule_entry
        *schedule; /* [n_schedule] decides; NULL: the policy does */
    size_t n_schedule;
    int computes_prefix_apart; /* each pair computes the rows that all pairs share */
    int computes_all_rows;     /* also those of the last layer that nobody reads */
} grt_experiment;

/* grt_rank, as the experiment says. */
GRT_API GRT_NODISCARD grt_status grt_rank_experiment(grt_result **out, grt_model *model,
                                                     const grt_request *request,
                                                     const grt_experiment *experiment,
                                                     grt_error *err);

#ifdef __cplusplus
}
#endif
#endif /* GRT_API_EXPERIMENT_H */
