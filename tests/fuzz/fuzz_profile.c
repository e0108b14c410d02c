/* fuzz_profile.c - any bytes as the profile of a checkpoint of four layers. */
#include "memory_file.h"

#include "models/architectures.h"
#include "profile/widening.h"

#include <math.h>

/* What was accepted gives sane numbers for any question. */
static void check_profile(const grt_profile *profile, const grt_network *network)
{
    const float precisions[] = {0.0f, 0.5f, 0.99f, 1.0f};
    const size_t ks[] = {0, 1, 7, 100, SIZE_MAX};
    for (size_t layer = 1; layer < network->n_layers; layer++) {
        grt_readout readout = grt_profile_readout(profile, layer);
        float sum = readout.bias;
        if (readout.n_features != grt_pooled_size(network) &&
            readout.n_features != grt_features_size(network))
            abort();
        for (size_t i = 0; i < readout.n_features; i++)
            if (!isfinite(readout.weights[i])) abort();
        if (!isfinite(sum) || !(profile->spreads[layer] >= 0.0f) ||
            !(profile->moves[layer] >= 0.0f))
            abort();
    }
    for (size_t p = 0; p < sizeof(precisions) / sizeof(precisions[0]); p++)
        for (size_t k = 0; k < sizeof(ks) / sizeof(ks[0]); k++) {
            float dispersion;
            size_t first_layer;
            grt_profile_cluster(profile, precisions[p], ks[k], &dispersion,
                                &first_layer);
            if (!(dispersion >= 0.0f) || first_layer < 1) abort();
            if (!(grt_profile_margin(profile, precisions[p], ks[k]) >= 0.0f)) abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memory_file memory = {data, size};
    grt_checkpoint checkpoint = {.path = NULL};
    grt_network network = {
        .architecture = &grt_architecture_bert, .n_layers = 4, .hidden_size = 3};
    grt_profile profile;
    grt_error err = {0};
    grt_status status =
        grt_profile_read(&profile, memory_open(&memory), &checkpoint, &network, &err);
    if (status == GRT_OK) {
        check_profile(&profile, &network);
        for (int a = GRT_ARITHMETIC_F32; a < GRT_N_ARITHMETICS; a++)
            if (grt_profile_serves(&profile, (grt_arithmetic)a) &&
                grt_profile_widen(&profile, (grt_arithmetic)a, &err) == GRT_OK)
                check_profile(&profile, &network);
    } else {
        check_error(status, &err);
    }
    grt_profile_release(&profile);
    return 0;
}
