/*
 * calibrate.h - what the files of `grating calibrate` share.
 *
 *     calibrate.c           the options, and the order of things
 *     calibrator.c          names of files, full passes, the fit
 *     calibrate_report.c    the report as a table and as JSON
 */
#ifndef CLI_CALIBRATE_H
#define CLI_CALIBRATE_H

#include "grating.h"
#include "frame/host.h"
#include "frame/progress.h"
#include "frame/queries.h"

/* The arguments of `grating calibrate`; strings are borrowed from argv. */
typedef struct cli_calibrate_options {
    const char *queries_path;
    const char *model_path;   /* NULL: the bundled one */
    const char *profile_path; /* NULL: in the folder of the user's profiles */
    const char *samples_path; /* NULL: there, or beside the profile_path */
    const char *instruction;
    float precision; /* 0: the library's own */
    size_t k_max;    /* 0: the library's own */
    cli_engine_options engine;
    int is_beside; /* the profile goes beside the model */
    int replaces;  /* also a profile that rests on more queries */
    int only_fits;
    int is_json;
    int hides_progress;
} cli_calibrate_options;

/* A file of queries, read to its end before the first pass. */
typedef struct cli_survey {
    size_t n_queries;   /* with at least 2 documents; 0: not known */
    size_t n_documents; /* of these */
} cli_survey;

typedef struct cli_calibrator {
    const cli_calibrate_options *options; /* borrowed */
    char *model_path;                     /* these three are owned */
    char *profile_path;
    char *samples_path;
    cli_host host;
    grt_calibration *calibration;
    cli_progress progress;
    cli_survey survey;
    size_t n_queries;   /* gone through so far */
    size_t n_documents; /* of these */
    size_t n_known;     /* of n_queries: the samples held them already */
    size_t n_single;    /* queries with fewer than 2 documents, passed over */
    size_t n_computed_documents;
    int64_t started_ns; /* the passes, then the fit */
} cli_calibrator;

/* Opens the model, and makes sure that no file is written over another that is needed.
 */
int cli_calibrator_open(cli_calibrator *calibrator,
                        const cli_calibrate_options *options);
/* Reads a file of queries to its end: a bad line is better known before hours of full
 * passes, and the bar wants to know how many there are.  A pipe cannot be read twice;
 * nothing is known of it. */
int cli_calibrator_survey(cli_calibrator *calibrator);
/* Opens the samples. */
int cli_calibrator_begin(cli_calibrator *calibrator);
/* Refuses what could not be fitted within --memory. */
int cli_calibrator_plan(cli_calibrator *calibrator);
/* Computes all queries that the samples do not hold yet. */
int cli_calibrator_compute(cli_calibrator *calibrator);
int cli_calibrator_fit(cli_calibrator *calibrator, grt_calibration_report *report);
void cli_calibrator_close(cli_calibrator *calibrator);

/* Prints the report to standard output. */
void cli_calibrate_report(const cli_calibrator *calibrator,
                          const grt_calibration_report *report);

#endif
