/* cases.h - commands to run with faults: their arguments, inputs and outputs. */
#ifndef GRT_TESTS_FAULTS_CASES_H
#define GRT_TESTS_FAULTS_CASES_H

enum { CASE_ARGUMENTS_MAX = 32, CASE_OUTPUTS_MAX = 3 };

/* What else a command does. */
enum {
    CASE_NO_MODEL = 1,      /* it opens none: one round instead of one for each */
    CASE_TELLS_TIME = 2,    /* numbers that it prints differ from run to run */
    CASE_STARTS_ITSELF = 4, /* in processes, which would inherit the filter */
    CASE_REPORTS = 8,       /* what fails is a finding, on standard output */
    CASE_JUDGES = 16,       /* files that end early are a result */
    CASE_MEASURES = 32      /* what it prints is about the machine */
};

typedef struct fault_case {
    const char *name;
    const char *arguments[CASE_ARGUMENTS_MAX]; /* NULL at the end; "MODEL" stands for
                                                  the model's path */
    const char *outputs[CASE_OUTPUTS_MAX];     /* files that it writes whole or not */
    const char *kept; /* a file that it may leave as far as it came; NULL: none */
    int flags;
} fault_case;

extern const fault_case fault_cases[]; /* name NULL at the end */
/* One for each algorithm of tokenizers and for both formats. */
extern const char *const fault_models[]; /* NULL at the end */

/* Writes the inputs into the working directory. */
void fault_write_inputs(void);
extern const char *const fault_inputs[]; /* their names, NULL at the end */

#endif /* GRT_TESTS_FAULTS_CASES_H */
