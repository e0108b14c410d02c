/* calibrate_report.c - the report of a calibration as a table and as JSON. */
#include "calibrate/calibrate.h"

#include "frame/cli.h"
#include "frame/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

enum { GAMMA_COLUMNS = 10, ADVICE_BYTES = 320 };

/* Row i of the report, i < n_rows. */
static grt_calibration_row row_at(const cli_calibrator *calibrator, size_t i)
{
    grt_calibration_row row = GRT_CALIBRATION_ROW_INIT;
    (void)!grt_calibration_report_row(calibrator->calibration, i, &row);
    return row;
}

/* Agreement after layer i + 1, i < n_layers - 1. */
static double gamma_at(const cli_calibrator *calibrator, int is_readout, size_t i)
{
    float head = 0, readout = 0;
    (void)!grt_calibration_gamma(calibrator->calibration, i + 1, &head, &readout);
    return (double)(is_readout ? readout : head);
}

/* Whether the queries that the fit has not seen got what was asked for. */
static const char *verdict(const grt_calibration_row *row)
{
    if (row->reached_low >= row->precision) return "reached";
    return row->reached_high >= row->precision ? "in doubt" : "missed";
}

static const char *row_name(const grt_calibration_row *row)
{
    if (row->policy != GRT_POLICY_BOUND)
        return grt_policy_text((grt_policy)row->policy);
    return row->has_readouts ? "bound" : "bound, no profile";
}

/* The rows that the profile is made for; the others measure no drift. */
static int is_main(const grt_calibration_row *row)
{
    return row->policy == GRT_POLICY_BOUND && row->has_readouts;
}

static uint64_t samples_bytes(const cli_calibrator *calibrator)
{
    struct stat found;
    return stat(calibrator->samples_path, &found) == 0 ? (uint64_t)found.st_size : 0;
}

/* ---- Advice ---- */

/* One miss among n queries must not cost more than 1 - precision, or nothing is proven:
 * see passes() in src/calibrate/tables.c. */
static size_t queries_to_prove(const grt_calibration_row *row)
{
    return (size_t)ceil(1 / ((1 - (double)row->precision) * (double)row->k));
}

static int advise_missed(char *out, const cli_calibrator *calibrator,
                         const grt_calibration_report *report)
{
    for (size_t i = 0; i < report->n_rows; i++) {
        grt_calibration_row row = row_at(calibrator, i);
        if (!is_main(&row) || row.reached_high >= row.precision) continue;
        snprintf(out, ADVICE_BYTES,
                 "for K = %zu the reported queries miss the target: they may be of "
                 "another kind than the fitted ones; more queries in mixed order help",
                 row.k);
        return 1;
    }
    return 0;
}

static int advise_unproven(char *out, const cli_calibrator *calibrator,
                           const grt_calibration_report *report)
{
    size_t first = 0, last = 0, needed = 0;
    for (size_t i = 0; i < report->n_rows; i++) {
        grt_calibration_row row = row_at(calibrator, i);
        if (!is_main(&row) || report->n_fitted >= queries_to_prove(&row)) continue;
        if (!first) {
            first = row.k;
            needed = queries_to_prove(&row);
        }
        last = row.k;
    }
    if (!first) return 0;
    char range[64];
    snprintf(range, sizeof range, last > first ? "%zu to %zu" : "%zu", first, last);
    snprintf(out, ADVICE_BYTES,
             "%zu fitted queries are too few to prove a precision of %g for K = %s, so "
             "bounds stay careful there; it takes some %zu queries in all",
             report->n_fitted, (double)row_at(calibrator, 0).precision, range,
             (needed * 4 + 2) / 3);
    return 1;
}

/* Flawless members that prove a precision to 95 %: see wilson() in
 * src/calibrate/report.c. */
static size_t members_to_tell(const grt_calibration_row *row)
{
    double p = (double)row->precision;
    return (size_t)ceil(1.96 * 1.96 * p / (1 - p));
}

/* The interval is wider than what is asked for is narrow. */
static int advise_doubtful(char *out, const cli_calibrator *calibrator,
                           const grt_calibration_report *report)
{
    for (size_t i = 0; i < report->n_rows; i++) {
        grt_calibration_row row = row_at(calibrator, i);
        size_t needed = (members_to_tell(&row) + row.k - 1) / row.k;
        if (!is_main(&row) || row.reached < row.precision ||
            row.reached_low >= row.precision || report->n_reported >= needed)
            continue;
        snprintf(out, ADVICE_BYTES,
                 "%zu reported queries are too few to tell whether %g is reached for K "
                 "= %zu: it takes %zu without a miss, of some %zu queries in all",
                 report->n_reported, (double)row.precision, row.k, needed, 4 * needed);
        return 1;
    }
    return 0;
}

/* At most one line; 0 when there is nothing to say. */
static int advise(char *out, const cli_calibrator *calibrator,
                  const grt_calibration_report *report)
{
    return advise_missed(out, calibrator, report) ||
           advise_unproven(out, calibrator, report) ||
           advise_doubtful(out, calibrator, report);
}

/* ---- Text ---- */

static void put_name(const char *name)
{
    printf("%-10s ", name);
}

static void put_path(const char *name, const char *path, const char *remark)
{
    put_name(name);
    cli_text_print(stdout, path, strlen(path), 0);
    printf("%s\n", remark);
}

static void print_head(const cli_calibrator *calibrator,
                       const grt_calibration_report *report)
{
    char remark[120];
    put_path("model", calibrator->model_path, "");
    if (!calibrator->options->only_fits) {
        put_name("computed");
        size_t n = calibrator->n_queries - calibrator->n_known;
        printf("%zu quer%s", n, n == 1 ? "y" : "ies");
        if (calibrator->n_known)
            printf("; %zu more were in the samples already", calibrator->n_known);
        putchar('\n');
    }
    snprintf(remark, sizeof remark, ", %s; needed only to add queries or fit again",
             cli_bytes_text(samples_bytes(calibrator)).text);
    put_path("samples", calibrator->samples_path, remark);
    put_path("profile", report->profile_path,
             calibrator->options->profile_path ? "; used with rank --profile"
                                               : "; rank uses it from now on");
    put_name("queries");
    printf("%zu fitted, %zu others reported\n", report->n_fitted, report->n_reported);
}

static void print_rows(const cli_calibrator *calibrator,
                       const grt_calibration_report *report)
{
    printf("\nprecision %g\n   K  %-17s  reached  95 %% interval     computed  drift  "
           "target\n",
           (double)row_at(calibrator, 0).precision, "policy");
    for (size_t i = 0; i < report->n_rows; i++) {
        const grt_calibration_row found = row_at(calibrator, i), *row = &found;
        char drift[16] = "-";
        if (is_main(row)) snprintf(drift, sizeof drift, "%.2f", (double)row->drift);
        printf("%4zu  %-17s   %.4f  %.4f to %.4f  %6.1f %%  %5s  %s\n", row->k,
               row_name(row), (double)row->reached, (double)row->reached_low,
               (double)row->reached_high, 100 * (double)row->computed, drift,
               verdict(row));
    }
}

static void put_gammas(const char *name, const cli_calibrator *calibrator,
                       int is_readout, size_t begin, size_t end)
{
    printf("%-9s", name);
    for (size_t i = begin; i < end; i++)
        printf(" %6.3f", gamma_at(calibrator, is_readout, i));
    putchar('\n');
}

static void print_gammas(const cli_calibrator *calibrator,
                         const grt_calibration_report *report)
{
    size_t n = report->n_layers - 1;
    printf("\nagreement with the final order (gamma) after each layer\n");
    for (size_t begin = 0; begin < n; begin += GAMMA_COLUMNS) {
        size_t end = begin + GAMMA_COLUMNS < n ? begin + GAMMA_COLUMNS : n;
        printf("%-9s", "layer");
        for (size_t i = begin; i < end; i++)
            printf(" %6zu", i + 1);
        putchar('\n');
        put_gammas("head", calibrator, 0, begin, end);
        put_gammas("readouts", calibrator, 1, begin, end);
    }
}

static void print_text(const cli_calibrator *calibrator,
                       const grt_calibration_report *report)
{
    char advice[ADVICE_BYTES];
    print_head(calibrator, report);
    print_rows(calibrator, report);
    print_gammas(calibrator, report);
    if (advise(advice, calibrator, report)) printf("\nadvice: %s\n", advice);
}

/* ---- JSON ---- */

static void json_text(const char *name, const char *value)
{
    printf("\"%s\": ", name);
    cli_text_json(stdout, value, strlen(value));
    fputs(", ", stdout);
}

static void json_row(const grt_calibration_row *row)
{
    printf("{\"k\": %zu, \"policy\": \"%s\", \"readouts\": %s, \"precision\": %g, ",
           row->k, grt_policy_text((grt_policy)row->policy),
           row->has_readouts ? "true" : "false", (double)row->precision);
    printf("\"reached\": %.6g, \"reached_low\": %.6g, \"reached_high\": %.6g, "
           "\"computed\": %.6g, ",
           (double)row->reached, (double)row->reached_low, (double)row->reached_high,
           (double)row->computed);
    if (is_main(row))
        printf("\"drift\": %.6g, ", (double)row->drift);
    else
        fputs("\"drift\": null, ", stdout);
    printf("\"target\": \"%s\"}", verdict(row));
}

static void json_gammas(const char *name, const cli_calibrator *calibrator,
                        int is_readout, size_t n)
{
    printf("\"%s\": [", name);
    for (size_t i = 0; i < n; i++)
        printf("%s%.6g", i ? ", " : "", gamma_at(calibrator, is_readout, i));
    fputs("], ", stdout);
}

static void print_json(const cli_calibrator *calibrator,
                       const grt_calibration_report *report)
{
    char advice[ADVICE_BYTES];
    putchar('{');
    json_text("model", calibrator->model_path);
    printf("\"computed_queries\": %zu, \"known_queries\": %zu, "
           "\"passed_over_queries\": %zu, ",
           calibrator->n_queries - calibrator->n_known, calibrator->n_known,
           calibrator->n_single);
    json_text("samples", calibrator->samples_path);
    printf("\"samples_bytes\": %" PRIu64 ", ", samples_bytes(calibrator));
    json_text("profile", report->profile_path);
    printf("\"n_fitted\": %zu, \"n_reported\": %zu, \"n_layers\": %zu, \"rows\": [",
           report->n_fitted, report->n_reported, report->n_layers);
    for (size_t i = 0; i < report->n_rows; i++) {
        if (i) fputs(", ", stdout);
        grt_calibration_row row = row_at(calibrator, i);
        json_row(&row);
    }
    fputs("], ", stdout);
    json_gammas("gamma_head", calibrator, 0, report->n_layers - 1);
    json_gammas("gamma_readout", calibrator, 1, report->n_layers - 1);
    fputs("\"advice\": ", stdout);
    if (advise(advice, calibrator, report))
        cli_text_json(stdout, advice, strlen(advice));
    else
        fputs("null", stdout);
    fputs("}\n", stdout);
}

void cli_calibrate_report(const cli_calibrator *calibrator,
                          const grt_calibration_report *report)
{
    if (calibrator->options->is_json)
        print_json(calibrator, report);
    else
        print_text(calibrator, report);
}
