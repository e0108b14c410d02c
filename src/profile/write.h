/* write.h - a profile as a file; its tensors: profile.h. */
#ifndef GRT_PROFILE_WRITE_H
#define GRT_PROFILE_WRITE_H

#include "profile/fingerprint.h"
#include "profile/profile.h"

/* Writes the profile to `path`, whole or not at all.  GRT_E_IO, GRT_E_NO_MEMORY. */
GRT_NODISCARD grt_status grt_profile_write(const grt_profile *profile,
                                           const grt_fingerprint *fingerprint,
                                           const grt_network *network, const char *path,
                                           grt_error *err);

#endif /* GRT_PROFILE_WRITE_H */
