/*
 * virtio_blk.c - a disk behind virtio-mmio version 2 (VIRTIO 1.1: 2.6 split queues, 4.2
 * MMIO, 5.2 block device), in slot 0; the other slots say that they are empty.
 *
 * A request is done while its notification is stored.  Nothing the driver wrote is
 * believed: chains are bounded by the queue's size, and every address must be RAM.
 */
#include "machine/machine_state.h"

enum { /* registers */
       MAGIC = 0x000,
       VERSION = 0x004,
       DEVICE_ID = 0x008,
       VENDOR_ID = 0x00c,
       DEVICE_FEATURES = 0x010,
       DEVICE_FEATURES_SELECT = 0x014,
       DRIVER_FEATURES = 0x020,
       DRIVER_FEATURES_SELECT = 0x024,
       QUEUE_SELECT = 0x030,
       QUEUE_SIZE_MAX = 0x034,
       QUEUE_SIZE = 0x038,
       QUEUE_READY = 0x044,
       QUEUE_NOTIFY = 0x050,
       INTERRUPT_STATUS = 0x060,
       INTERRUPT_ACK = 0x064,
       STATUS = 0x070,
       QUEUE_DESCRIPTORS = 0x080,
       QUEUE_AVAILABLE = 0x090,
       QUEUE_USED = 0x0a0,
       CONFIG = 0x100,
};
enum { NEXT = 1, WRITE = 2 };                          /* flags of a descriptor */
enum { READ_BLOCKS = 0, WRITE_BLOCKS = 1, FLUSH = 4 }; /* requests */
enum { DONE = 0, FAILED = 1, UNSUPPORTED = 2 };
enum { FEATURE_FLUSH_BIT = 9, FEATURE_VERSION_1_BIT = 0, STATUS_NEEDS_RESET = 0x40 };
enum { SECTOR = 512 };

typedef struct descriptor {
    uint64_t address;
    uint32_t n_bytes;
    uint16_t flags, next;
} descriptor;

static bool read_u16(dv_machine *m, uint64_t pa, uint16_t *value)
{
    const uint8_t *host = dv_ram(m, pa, 2);
    if (host) memcpy(value, host, 2);
    return host != NULL;
}

static bool write_ram(dv_machine *m, uint64_t pa, const void *bytes, uint64_t n_bytes)
{
    uint8_t *host = dv_ram(m, pa, n_bytes);
    if (!host) return false;
    memcpy(host, bytes, n_bytes);
    while (n_bytes) {
        uint64_t n = DV_PAGE_BYTES - (pa & DV_PAGE_MASK);
        if (n > n_bytes) n = n_bytes;
        dv_machine_stored(m, pa, n);
        pa += n;
        n_bytes -= n;
    }
    return true;
}

static bool read_descriptor(dv_machine *m, uint16_t index, descriptor *d)
{
    const dv_virtio_blk *disk = &m->disk;
    if (index >= disk->queue_size) return false;
    const uint8_t *host = dv_ram(m, disk->descriptors + 16u * index, sizeof(*d));
    if (host) memcpy(d, host, sizeof(*d));
    return host != NULL;
}

/* Moves the data of one descriptor; true when it fits the disk and is RAM. */
static bool move(dv_machine *m, const descriptor *d, bool is_write, uint64_t at)
{
    dv_virtio_blk *disk = &m->disk;
    if (at > disk->n_bytes || d->n_bytes > disk->n_bytes - at) return false;
    if (!is_write)
        return d->flags & WRITE &&
               write_ram(m, d->address, disk->bytes + at, d->n_bytes);
    const uint8_t *host = dv_ram(m, d->address, d->n_bytes);
    if (!host || d->flags & WRITE) return false;
    memcpy(disk->bytes + at, host, d->n_bytes);
    return true;
}

/* One chain: a header of 16 bytes, data, and a status byte.  False: it is no such
 * chain, and the device stops.  *n_written gets the bytes written to RAM. */
static bool serve(dv_machine *m, uint16_t head, uint32_t *n_written)
{
    descriptor d;
    if (!read_descriptor(m, head, &d) || d.n_bytes < 16 || !(d.flags & NEXT))
        return false;
    const uint8_t *header = dv_ram(m, d.address, 16);
    if (!header) return false;
    uint32_t type;
    uint64_t sector;
    memcpy(&type, header, 4);
    memcpy(&sector, header + 8, 8);
    uint8_t status = type == READ_BLOCKS || type == WRITE_BLOCKS || type == FLUSH
                         ? DONE
                         : UNSUPPORTED;
    uint64_t at = sector > m->disk.n_bytes / SECTOR ? UINT64_MAX : sector * SECTOR;
    *n_written = 1;
    for (uint32_t i = 1; i < m->disk.queue_size; i++) {
        if (!read_descriptor(m, d.next, &d)) return false;
        if (!(d.flags & NEXT))
            return d.flags & WRITE && d.n_bytes && write_ram(m, d.address, &status, 1);
        if (status != DONE || type == FLUSH) continue;
        if (!move(m, &d, type == WRITE_BLOCKS, at)) status = FAILED;
        if (status == DONE && type == READ_BLOCKS) *n_written += d.n_bytes;
        at += d.n_bytes;
    }
    return false; /* a chain without an end */
}

static bool serve_queue(dv_machine *m)
{
    dv_virtio_blk *disk = &m->disk;
    uint16_t index, head;
    if (!read_u16(m, disk->available + 2, &index)) return false;
    while (disk->next_available != index) {
        uint32_t slot = disk->next_available % disk->queue_size;
        uint32_t used[2] = {0, 0};
        if (!read_u16(m, disk->available + 4 + 2 * slot, &head)) return false;
        if (!serve(m, head, &used[1])) return false;
        used[0] = head;
        slot = disk->next_used % disk->queue_size;
        if (!write_ram(m, disk->used + 4 + 8 * (uint64_t)slot, used, 8)) return false;
        disk->next_available++;
        disk->next_used++;
        if (!write_ram(m, disk->used + 2, &disk->next_used, 2)) return false;
    }
    return true;
}

static void set_interrupt(dv_machine *m, uint32_t value)
{
    m->disk.interrupt = value;
    dv_plic_set(m, RV_VIRTIO_IRQ, value != 0);
}

static void notify(dv_machine *m)
{
    dv_virtio_blk *disk = &m->disk;
    if (!disk->is_ready || disk->status & STATUS_NEEDS_RESET) return;
    if (!serve_queue(m)) disk->status |= STATUS_NEEDS_RESET;
    set_interrupt(m, disk->interrupt | (disk->status & STATUS_NEEDS_RESET ? 2 : 1));
}

static uint32_t features(const dv_virtio_blk *disk)
{
    if (disk->features_select == 0) return UINT32_C(1) << FEATURE_FLUSH_BIT;
    return disk->features_select == 1 ? UINT32_C(1) << FEATURE_VERSION_1_BIT : 0;
}

bool dv_virtio_load(dv_machine *m, uint64_t offset, unsigned n_bytes, uint64_t *value)
{
    const dv_virtio_blk *disk = &m->disk;
    bool is_there = offset < RV_VIRTIO_BYTES && disk->bytes;
    offset %= RV_VIRTIO_BYTES;
    *value = 0;
    if (offset >= CONFIG) {
        uint64_t n_sectors = is_there ? disk->n_bytes / SECTOR : 0;
        uint64_t byte = offset - CONFIG;
        if (byte < 8) memcpy(value, (const uint8_t *)&n_sectors + byte, 8 - byte);
        if (n_bytes < 8) *value &= (UINT64_C(1) << (8 * n_bytes)) - 1;
        return true;
    }
    if (n_bytes != 4) return false;
    switch (offset) {
    case MAGIC: *value = 0x74726976; break;
    case VERSION: *value = 2; break;
    case DEVICE_ID: *value = is_there ? 2 : 0; break;
    case VENDOR_ID: *value = 0xd7; break;
    case DEVICE_FEATURES: *value = is_there ? features(disk) : 0; break;
    case QUEUE_SIZE_MAX: *value = is_there ? DV_VIRTIO_QUEUE_MAX : 0; break;
    case QUEUE_READY: *value = disk->is_ready; break;
    case INTERRUPT_STATUS: *value = disk->interrupt; break;
    case STATUS: *value = is_there ? disk->status : 0; break;
    default: break;
    }
    return true;
}

static void set_half(uint64_t *address, uint64_t offset, uint32_t value)
{
    unsigned shift = offset & 4 ? 32 : 0;
    *address &= ~((uint64_t)UINT32_MAX << shift);
    *address |= (uint64_t)value << shift;
}

static void reset(dv_machine *m)
{
    m->disk = (dv_virtio_blk){.bytes = m->disk.bytes, .n_bytes = m->disk.n_bytes};
    set_interrupt(m, 0);
}

bool dv_virtio_store(dv_machine *m, uint64_t offset, unsigned n_bytes, uint64_t value64)
{
    dv_virtio_blk *disk = &m->disk;
    uint32_t value = (uint32_t)value64;
    if (n_bytes != 4) return false;
    if (offset >= RV_VIRTIO_BYTES || !disk->bytes) return true;
    switch (offset) {
    case DEVICE_FEATURES_SELECT: disk->features_select = value; break;
    case DRIVER_FEATURES_SELECT: disk->driver_features_select = value; break;
    case DRIVER_FEATURES:
        if (disk->driver_features_select < 2)
            disk->driver_features[disk->driver_features_select] = value;
        break;
    case QUEUE_SIZE:
        if (value && value <= DV_VIRTIO_QUEUE_MAX && !(value & (value - 1)))
            disk->queue_size = value;
        break;
    case QUEUE_READY: disk->is_ready = value & 1 && disk->queue_size; break;
    case QUEUE_NOTIFY: notify(m); break;
    case INTERRUPT_ACK: set_interrupt(m, disk->interrupt & ~value); break;
    case STATUS:
        disk->status = value;
        if (!value) reset(m);
        break;
    case QUEUE_DESCRIPTORS:
    case QUEUE_DESCRIPTORS + 4: set_half(&disk->descriptors, offset, value); break;
    case QUEUE_AVAILABLE:
    case QUEUE_AVAILABLE + 4: set_half(&disk->available, offset, value); break;
    case QUEUE_USED:
    case QUEUE_USED + 4: set_half(&disk->used, offset, value); break;
    default: break;
    }
    return true;
}

grt_status dv_machine_disk(dv_machine *m, uint8_t *bytes, uint64_t n_bytes,
                           grt_error *err)
{
    if (n_bytes == 0 || n_bytes % SECTOR)
        GRT_FAIL(err, GRT_E_INVALID_ARG,
                 "a disk of %llu bytes: it must be a multiple of %d, and not empty",
                 (unsigned long long)n_bytes, SECTOR);
    m->disk.bytes = bytes;
    m->disk.n_bytes = n_bytes;
    return GRT_OK;
}
