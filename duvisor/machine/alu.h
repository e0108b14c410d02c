/* alu.h - the arithmetic that C leaves undefined and RISC-V does not. */
#ifndef DV_MACHINE_ALU_H
#define DV_MACHINE_ALU_H

#include <stdint.h>

__extension__ typedef __int128 dv_int128;
__extension__ typedef unsigned __int128 dv_uint128;

#define DV_S64(v) ((int64_t)(v))
#define DV_S32(v) ((int32_t)(uint32_t)(v))
#define DV_W(v)   ((uint64_t)(int64_t)DV_S32(v))

static inline uint64_t dv_mulhu(uint64_t a, uint64_t b)
{
    return (uint64_t)(((dv_uint128)a * b) >> 64);
}

static inline uint64_t dv_mulh(uint64_t a, uint64_t b)
{
    return (uint64_t)(((dv_int128)DV_S64(a) * DV_S64(b)) >> 64);
}

static inline uint64_t dv_mulhsu(uint64_t a, uint64_t b)
{
    return (uint64_t)(((dv_int128)DV_S64(a) * (dv_int128)b) >> 64);
}

/* Division by zero gives all ones, and the one overflow gives the dividend. */
static inline uint64_t dv_div(uint64_t a, uint64_t b)
{
    if (b == 0) return ~UINT64_C(0);
    if (b == ~UINT64_C(0)) return 0 - a;
    return (uint64_t)(DV_S64(a) / DV_S64(b));
}

static inline uint64_t dv_rem(uint64_t a, uint64_t b)
{
    if (b == 0) return a;
    if (b == ~UINT64_C(0)) return 0;
    return (uint64_t)(DV_S64(a) % DV_S64(b));
}

#endif /* DV_MACHINE_ALU_H */
