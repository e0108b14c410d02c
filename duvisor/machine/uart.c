/* uart.c - the console: a 16550A whose transmitter is always empty. */
#include "machine/machine_state.h"

enum { DATA = 0, IER = 1, IIR_FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7 };
enum { IER_RECEIVED = 1, IER_EMPTY = 2 };
enum { IIR_NONE = 1, IIR_EMPTY = 2, IIR_RECEIVED = 4, IIR_FIFO = 0xc0 };
enum { LCR_DIVISOR = 0x80, FCR_ON = 1, FCR_CLEAR_INPUT = 2 };
enum { LSR_READY = 1, LSR_EMPTY = 0x60, MSR_CONNECTED = 0xb0 };

static uint8_t interrupt_of(const dv_uart *u)
{
    if (u->ier & IER_RECEIVED && u->input_count) return IIR_RECEIVED;
    if (u->ier & IER_EMPTY && !u->is_empty_told) return IIR_EMPTY;
    return IIR_NONE;
}

void dv_uart_update(dv_machine *m)
{
    dv_plic_set(m, RV_UART_IRQ, interrupt_of(&m->uart) != IIR_NONE);
}

static uint8_t receive(dv_uart *u)
{
    if (!u->input_count) return 0;
    uint8_t c = u->input[u->input_first];
    u->input_first = (u->input_first + 1) % DV_UART_INPUT;
    u->input_count--;
    return c;
}

static uint8_t identify(dv_uart *u)
{
    uint8_t which = interrupt_of(u);
    if (which == IIR_EMPTY) u->is_empty_told = true;
    return which | (u->fcr & FCR_ON ? IIR_FIFO : 0);
}

bool dv_uart_load(dv_machine *m, uint64_t offset, unsigned n_bytes, uint64_t *value)
{
    dv_uart *u = &m->uart;
    bool is_divisor = u->lcr & LCR_DIVISOR;
    if (n_bytes != 1) return false;
    switch (offset) {
    case DATA: *value = is_divisor ? u->divisor[0] : receive(u); break;
    case IER: *value = is_divisor ? u->divisor[1] : u->ier; break;
    case IIR_FCR: *value = identify(u); break;
    case LCR: *value = u->lcr; break;
    case MCR: *value = u->mcr; break;
    case LSR: *value = LSR_EMPTY | (u->input_count ? LSR_READY : 0); break;
    case MSR: *value = MSR_CONNECTED; break;
    case SCR: *value = u->scr; break;
    default: *value = 0; break;
    }
    dv_uart_update(m);
    return true;
}

bool dv_uart_store(dv_machine *m, uint64_t offset, unsigned n_bytes, uint64_t value)
{
    dv_uart *u = &m->uart;
    bool is_divisor = u->lcr & LCR_DIVISOR;
    uint8_t byte = (uint8_t)value;
    if (n_bytes != 1) return false;
    switch (offset) {
    case DATA:
        if (is_divisor) {
            u->divisor[0] = byte;
            break;
        }
        u->is_empty_told = false;
        if (m->options.console_put) m->options.console_put(m->options.payload, byte);
        break;
    case IER:
        if (is_divisor) {
            u->divisor[1] = byte;
            break;
        }
        if (byte & IER_EMPTY && !(u->ier & IER_EMPTY)) u->is_empty_told = false;
        u->ier = byte & 0xf;
        break;
    case IIR_FCR:
        u->fcr = byte;
        if (byte & FCR_CLEAR_INPUT) u->input_count = 0;
        break;
    case LCR: u->lcr = byte; break;
    case MCR: u->mcr = byte & 0x1f; break;
    case SCR: u->scr = byte; break;
    default: break;
    }
    dv_uart_update(m);
    return true;
}

size_t dv_machine_input(dv_machine *m, const uint8_t *bytes, size_t n_bytes)
{
    dv_uart *u = &m->uart;
    size_t n = 0;
    for (; n < n_bytes && u->input_count < DV_UART_INPUT; n++)
        u->input[(u->input_first + u->input_count++) % DV_UART_INPUT] = bytes[n];
    dv_uart_update(m);
    return n;
}
