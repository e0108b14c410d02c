/* architectures.h - every architecture; registry.c lists them in the order of
 * recognition. */
#ifndef GRT_MODELS_ARCHITECTURES_H
#define GRT_MODELS_ARCHITECTURES_H

#include "models/network.h"

extern const grt_architecture grt_architecture_bert;
extern const grt_architecture grt_architecture_roberta;
extern const grt_architecture grt_architecture_electra;
extern const grt_architecture grt_architecture_modernbert;
extern const grt_architecture grt_architecture_gemma;
extern const grt_architecture grt_architecture_gemma3;
extern const grt_architecture grt_architecture_llama;
extern const grt_architecture grt_architecture_minicpm;
extern const grt_architecture grt_architecture_qwen2;
extern const grt_architecture grt_architecture_qwen3;

#endif /* GRT_MODELS_ARCHITECTURES_H */
