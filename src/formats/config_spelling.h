/* config_spelling.h - the spellings of one thing in config.json, old and new, brought
 * to one; for config.c and checkpoint.c only. */
#ifndef GRT_FORMATS_CONFIG_SPELLING_H
#define GRT_FORMATS_CONFIG_SPELLING_H

#include "formats/catalogue.h"
#include "formats/metadata.h"

/* After grt_metadata_finish: gives the keys of transformers 4 (rope_theta,
 * global_rope_theta, local_rope_theta, rope_local_base_freq, rope_scaling.*,
 * global_attn_every_n_layers, sliding_window_pattern) what a config of transformers 5
 * says in rope_parameters and layer_types, and what null means.  The new spelling
 * counts where both are there.  GRT_E_UNSUPPORTED for layers of no regular pattern. */
GRT_NODISCARD grt_status grt_config_unify(grt_metadata *config, grt_error *err);

/* A config without "architectures" gets the class that its model_type and the tensors
 * of a classifier tell, and a note.  Nothing happens where they do not. */
GRT_NODISCARD grt_status grt_config_name_class(grt_metadata *config,
                                               const grt_catalogue *catalogue,
                                               grt_error *err);

#endif /* GRT_FORMATS_CONFIG_SPELLING_H */
