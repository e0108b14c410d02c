/* header_c.c - grating.h alone in C99: every _INIT macro, and a call into the library.
 */
#include "grating.h"

int main(void)
{
    grt_engine_options engine = GRT_ENGINE_OPTIONS_INIT;
    grt_engine_usage usage = GRT_ENGINE_USAGE_INIT;
    grt_model_options model = GRT_MODEL_OPTIONS_INIT;
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_tensor_view view = GRT_TENSOR_VIEW_INIT;
    grt_note note = GRT_NOTE_INIT;
    grt_memory_plan plan = GRT_MEMORY_PLAN_INIT;
    grt_policy_options policy = GRT_POLICY_OPTIONS_INIT;
    grt_request request = GRT_REQUEST_INIT;
    grt_step step = GRT_STEP_INIT;
    grt_item item = GRT_ITEM_INIT;
    grt_stats stats = GRT_STATS_INIT;
    grt_calibration_options calibration = GRT_CALIBRATION_OPTIONS_INIT;
    grt_calibration_report report = GRT_CALIBRATION_REPORT_INIT;
    grt_arithmetic_effect effect = GRT_ARITHMETIC_EFFECT_INIT;
    grt_calibration_progress progress = GRT_CALIBRATION_PROGRESS_INIT;
    grt_calibration_row row = GRT_CALIBRATION_ROW_INIT;
    grt_kernel_info kernel = GRT_KERNEL_INFO_INIT;
    return engine.struct_size == 0 || usage.struct_size == 0 ||
           model.struct_size == 0 || info.struct_size == 0 || view.struct_size == 0 ||
           note.struct_size == 0 || plan.struct_size == 0 || policy.struct_size == 0 ||
           request.struct_size == 0 || request.query_bytes != GRT_NUL_TERMINATED ||
           request.instruction_bytes != GRT_NUL_TERMINATED || step.struct_size == 0 ||
           item.struct_size == 0 || stats.struct_size == 0 ||
           calibration.struct_size == 0 || report.struct_size == 0 ||
           row.struct_size == 0 || effect.struct_size == 0 ||
           progress.struct_size == 0 || kernel.struct_size == 0 ||
           grt_status_text(GRT_OK)[0] == 0 || grt_version()[0] != '0';
}
