"""Structs, constants and prototypes of grating.h, for ctypes.

Written by tools/make_python_abi.py; `tools/make_python_abi.py --check` is a test.  The test
header.ffi holds sizes and offsets against a C compiler's."""
import ctypes
from typing import Any

GRT_OK = 0
GRT_E_INVALID_ARG = -1
GRT_E_NO_MEMORY = -2
GRT_E_IO = -3
GRT_E_FORMAT = -4
GRT_E_UNSUPPORTED = -5
GRT_E_TOO_LONG = -6
GRT_E_CANCELLED = -7
GRT_E_NOT_FOUND = -8
GRT_E_BUSY = -9
GRT_HIDDEN_AUTO = 0
GRT_HIDDEN_F32 = 1
GRT_HIDDEN_BF16 = 2
GRT_HIDDEN_FILE = 3
GRT_SOURCE_PATH = 0
GRT_SOURCE_BUNDLED = 1
GRT_SOURCE_HUGGING_FACE = 2
GRT_SOURCE_OLLAMA = 3
GRT_RESIDENCY_AUTO = 0
GRT_RESIDENCY_STREAMED = 1
GRT_RESIDENCY_RESIDENT = 2
GRT_ARITHMETIC_AUTO = 0
GRT_ARITHMETIC_F32 = 1
GRT_ARITHMETIC_BF16 = 2
GRT_ARITHMETIC_INT8 = 3
GRT_NOTE_DETAIL = 0
GRT_NOTE_RESULT = 1
GRT_POLICY_DEFAULT = 0
GRT_POLICY_NONE = 1
GRT_POLICY_CLUSTER = 2
GRT_POLICY_BOUND = 3
GRT_PROMISE_DEFAULT = 0
GRT_PROMISE_SET = 1
GRT_PROMISE_ORDER = 2
GRT_PROMISE_SCORES = 3
GRT_LONG_CUT = 0
GRT_LONG_BEST = 1
GRT_LONG_REFUSE = 2
GRT_STATE_FINISHED = 0
GRT_STATE_SELECTED = 1
GRT_STATE_DROPPED = 2
GRT_STATE_ACTIVE = 3
GRT_FLAG_EXACT = 1
GRT_FLAG_TRUNCATED = 2
GRT_FLAG_QUERY_TRUNCATED = 4

STATUS_TEXTS = {
    0: "success",
    -1: "invalid argument",
    -2: "out of memory",
    -3: "input/output error",
    -4: "malformed or truncated file",
    -5: "valid but not supported",
    -6: "input exceeds a limit",
    -7: "cancelled by the caller",
    -8: "file not found",
    -9: "fits once others have ended",
}


class grt_error(ctypes.Structure):
    _fields_ = [
        ("status", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("offset", ctypes.c_int64),
        ("smallest_bytes", ctypes.c_uint64),
        ("text", ctypes.c_char * 240),
    ]


class grt_engine_options(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("n_threads", ctypes.c_size_t),
        ("memory_bytes", ctypes.c_uint64),
        ("hidden", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("chunk_rows", ctypes.c_size_t),
        ("temporary_directory", ctypes.c_char_p),
    ]


class grt_engine_usage(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("budget_bytes", ctypes.c_uint64),
        ("reserved_bytes", ctypes.c_uint64),
        ("allocated_bytes", ctypes.c_uint64),
        ("peak_bytes", ctypes.c_uint64),
        ("resident_bytes", ctypes.c_uint64),
        ("n_threads", ctypes.c_size_t),
        ("n_models", ctypes.c_size_t),
        ("n_rankings", ctypes.c_size_t),
    ]


class grt_model_place(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("source", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("name", ctypes.c_char * 512),
        ("path", ctypes.c_char * 4096),
        ("note", ctypes.c_char * 512),
    ]


class grt_model_options(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("profile_path", ctypes.c_char_p),
        ("arithmetic", ctypes.c_int32),
        ("residency", ctypes.c_int32),
        ("cutoff_layer", ctypes.c_size_t),
        ("n_cached_rows", ctypes.c_size_t),
        ("profile_folder", ctypes.c_char_p),
    ]


class grt_model_info(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("architecture", ctypes.c_char_p),
        ("format", ctypes.c_char_p),
        ("tokenizer", ctypes.c_char_p),
        ("head", ctypes.c_char_p),
        ("n_layers", ctypes.c_size_t),
        ("hidden_size", ctypes.c_size_t),
        ("n_heads", ctypes.c_size_t),
        ("n_kv_heads", ctypes.c_size_t),
        ("head_size", ctypes.c_size_t),
        ("ffn_size", ctypes.c_size_t),
        ("vocab_size", ctypes.c_size_t),
        ("max_tokens", ctypes.c_size_t),
        ("n_parameters", ctypes.c_uint64),
        ("embedding_bytes", ctypes.c_uint64),
        ("layers_bytes", ctypes.c_uint64),
        ("head_bytes", ctypes.c_uint64),
        ("other_bytes", ctypes.c_uint64),
        ("n_tensors", ctypes.c_size_t),
        ("profile", ctypes.c_char_p),
        ("arithmetic", ctypes.c_int32),
        ("profile_arithmetic", ctypes.c_int32),
        ("isa", ctypes.c_char_p),
        ("n_notes", ctypes.c_size_t),
        ("profile_home", ctypes.c_char_p),
    ]


class grt_arithmetic_effect(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("is_known", ctypes.c_int32),
        ("is_safe", ctypes.c_int32),
        ("n_pairs", ctypes.c_size_t),
        ("mean", ctypes.c_float),
        ("largest", ctypes.c_float),
        ("share", ctypes.c_float),
        ("kept", ctypes.c_float),
    ]


class grt_tensor_view(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("name", ctypes.c_char_p),
        ("dtype", ctypes.c_char_p),
        ("part", ctypes.c_char_p),
        ("layer", ctypes.c_int32),
        ("n_dims", ctypes.c_uint32),
        ("shape", ctypes.c_uint64 * 4),
        ("file", ctypes.c_char_p),
        ("offset_bytes", ctypes.c_uint64),
        ("size_bytes", ctypes.c_uint64),
    ]


class grt_note(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("text", ctypes.c_char_p),
        ("level", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
    ]


class grt_memory_plan(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("budget_bytes", ctypes.c_uint64),
        ("total_bytes", ctypes.c_uint64),
        ("other_bytes", ctypes.c_uint64),
        ("layers_bytes", ctypes.c_uint64),
        ("hidden_bytes", ctypes.c_uint64),
        ("chunk_bytes", ctypes.c_uint64),
        ("embedding_bytes", ctypes.c_uint64),
        ("scratch_bytes", ctypes.c_uint64),
        ("smallest_bytes", ctypes.c_uint64),
        ("n_slots", ctypes.c_size_t),
        ("n_layers", ctypes.c_size_t),
        ("chunk_rows", ctypes.c_size_t),
        ("n_cached_rows", ctypes.c_size_t),
        ("hidden", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
    ]


class grt_policy_options(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("policy", ctypes.c_int32),
        ("promise", ctypes.c_int32),
        ("precision", ctypes.c_float),
        ("dispersion", ctypes.c_float),
        ("n_clusters", ctypes.c_size_t),
        ("first_layer", ctypes.c_size_t),
    ]


class grt_request(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("query", ctypes.c_char_p),
        ("query_bytes", ctypes.c_size_t),
        ("documents", ctypes.c_void_p),
        ("document_bytes", ctypes.c_void_p),
        ("n_documents", ctypes.c_size_t),
        ("k", ctypes.c_size_t),
        ("instruction", ctypes.c_char_p),
        ("instruction_bytes", ctypes.c_size_t),
        ("policy", ctypes.c_void_p),
        ("deadline_ns", ctypes.c_uint64),
        ("max_document_tokens", ctypes.c_size_t),
        ("long_documents", ctypes.c_int32),
        ("min_score", ctypes.c_float),
        ("priors", ctypes.c_void_p),
    ]


class grt_step(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("is_done", ctypes.c_int32),
        ("deadline_hit", ctypes.c_int32),
        ("layer", ctypes.c_size_t),
        ("n_layers", ctypes.c_size_t),
        ("n_active", ctypes.c_size_t),
        ("n_selected", ctypes.c_size_t),
        ("n_dropped", ctypes.c_size_t),
        ("elapsed_ns", ctypes.c_uint64),
        ("n", ctypes.c_size_t),
        ("indices", ctypes.c_void_p),
        ("scores", ctypes.c_void_p),
        ("states", ctypes.c_void_p),
        ("expected_precision", ctypes.c_float),
        ("reserved", ctypes.c_int32),
    ]


class grt_item(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("index", ctypes.c_size_t),
        ("score", ctypes.c_float),
        ("logit", ctypes.c_float),
        ("state", ctypes.c_int32),
        ("flags", ctypes.c_uint32),
        ("layer", ctypes.c_size_t),
        ("n_tokens", ctypes.c_size_t),
    ]


class grt_stats(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("n_documents", ctypes.c_size_t),
        ("n_layers", ctypes.c_size_t),
        ("n_tokens", ctypes.c_uint64),
        ("tokens_x_layers", ctypes.c_uint64),
        ("full_tokens_x_layers", ctypes.c_uint64),
        ("candidates_x_layers", ctypes.c_uint64),
        ("weight_bytes", ctypes.c_uint64),
        ("embedding_bytes", ctypes.c_uint64),
        ("read_ns", ctypes.c_uint64),
        ("wait_ns", ctypes.c_uint64),
        ("turn_ns", ctypes.c_uint64),
        ("tokenize_ns", ctypes.c_uint64),
        ("compute_ns", ctypes.c_uint64),
        ("total_ns", ctypes.c_uint64),
        ("memory_bytes", ctypes.c_uint64),
        ("policy", ctypes.c_int32),
        ("promise", ctypes.c_int32),
        ("precision", ctypes.c_float),
        ("has_profile", ctypes.c_int32),
        ("drift", ctypes.c_float),
        ("deadline_hit", ctypes.c_int32),
        ("expected_precision", ctypes.c_float),
        ("arithmetic", ctypes.c_int32),
        ("n_prefix", ctypes.c_size_t),
        ("isa", ctypes.c_char_p),
    ]


class grt_calibration_options(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("samples_path", ctypes.c_char_p),
        ("profile_path", ctypes.c_char_p),
        ("precision", ctypes.c_float),
        ("replaces", ctypes.c_int32),
        ("k_max", ctypes.c_size_t),
    ]


class grt_calibration_progress(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("is_done", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("done", ctypes.c_size_t),
        ("total", ctypes.c_size_t),
    ]


class grt_calibration_report(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("n_fitted", ctypes.c_size_t),
        ("n_reported", ctypes.c_size_t),
        ("n_layers", ctypes.c_size_t),
        ("n_rows", ctypes.c_size_t),
        ("profile_path", ctypes.c_char_p),
    ]


class grt_calibration_row(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("policy", ctypes.c_int32),
        ("has_readouts", ctypes.c_int32),
        ("k", ctypes.c_size_t),
        ("precision", ctypes.c_float),
        ("reached", ctypes.c_float),
        ("reached_low", ctypes.c_float),
        ("reached_high", ctypes.c_float),
        ("computed", ctypes.c_float),
        ("drift", ctypes.c_float),
    ]


class grt_kernel_info(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("operation", ctypes.c_char_p),
        ("isa", ctypes.c_char_p),
        ("is_chosen", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("reason", ctypes.c_char_p),
    ]


# function: (result, arguments)
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "grt_status_text": (ctypes.c_char_p, [ctypes.c_int32]),
    "grt_version": (ctypes.c_char_p, []),
    "grt_hidden_storage_text": (ctypes.c_char_p, [ctypes.c_int32]),
    "grt_hidden_storage_from_text": (ctypes.c_int32, [ctypes.c_void_p, ctypes.c_char_p]),
    "grt_engine_create": (ctypes.c_int32, [
        ctypes.c_void_p,
        ctypes.POINTER(grt_engine_options),
        ctypes.POINTER(grt_error)]),
    "grt_engine_free": (None, [ctypes.c_void_p]),
    "grt_engine_set_memory": (None, [ctypes.c_void_p, ctypes.c_uint64]),
    "grt_engine_trim": (None, [ctypes.c_void_p]),
    "grt_engine_describe": (ctypes.c_int32, [ctypes.c_void_p, ctypes.POINTER(grt_engine_usage)]),
    "grt_model_source_text": (ctypes.c_char_p, [ctypes.c_int32]),
    "grt_model_source_from_text": (ctypes.c_int32, [ctypes.c_void_p, ctypes.c_char_p]),
    "grt_model_find": (ctypes.c_int32, [
        ctypes.POINTER(grt_model_place),
        ctypes.c_char_p,
        ctypes.POINTER(grt_error)]),
    "grt_models_walk": (ctypes.c_int32, [ctypes.c_void_p, ctypes.c_void_p]),
    "grt_arithmetic_text": (ctypes.c_char_p, [ctypes.c_int32]),
    "grt_arithmetic_from_text": (ctypes.c_int32, [ctypes.c_void_p, ctypes.c_char_p]),
    "grt_model_open": (ctypes.c_int32, [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.POINTER(grt_model_options),
        ctypes.POINTER(grt_error)]),
    "grt_model_close": (None, [ctypes.c_void_p]),
    "grt_model_engine": (ctypes.c_void_p, [ctypes.c_void_p]),
    "grt_model_describe": (None, [ctypes.c_void_p, ctypes.POINTER(grt_model_info)]),
    "grt_model_effect": (ctypes.c_int32, [
        ctypes.c_void_p,
        ctypes.c_int32,
        ctypes.POINTER(grt_arithmetic_effect)]),
    "grt_model_tensor": (ctypes.c_int32, [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.POINTER(grt_tensor_view)]),
    "grt_note_level_text": (ctypes.c_char_p, [ctypes.c_int32]),
    "grt_note_level_from_text": (ctypes.c_int32, [ctypes.c_void_p, ctypes.c_char_p]),
    "grt_model_note": (ctypes.c_int32, [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.POINTER(grt_note)]),
    "grt_count_tokens": (ctypes.c_int32, [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.POINTER(grt_error)]),
    "grt_plan_memory": (ctypes.c_int32, [
        ctypes.POINTER(grt_memory_plan),
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_size_t,
        ctypes.POINTER(grt_error)]),
    "grt_policy_text": (ctypes.c_char_p, [ctypes.c_int32]),
    "grt_policy_from_text": (ctypes.c_int32, [ctypes.c_void_p, ctypes.c_char_p]),
    "grt_promise_text": (ctypes.c_char_p, [ctypes.c_int32]),
    "grt_promise_from_text": (ctypes.c_int32, [ctypes.c_void_p, ctypes.c_char_p]),
    "grt_long_documents_text": (ctypes.c_char_p, [ctypes.c_int32]),
    "grt_long_documents_from_text": (ctypes.c_int32, [ctypes.c_void_p, ctypes.c_char_p]),
    "grt_state_text": (ctypes.c_char_p, [ctypes.c_int32]),
    "grt_state_from_text": (ctypes.c_int32, [ctypes.c_void_p, ctypes.c_char_p]),
    "grt_rank": (ctypes.c_int32, [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.POINTER(grt_request),
        ctypes.POINTER(grt_error)]),
    "grt_ranking_open": (ctypes.c_int32, [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.POINTER(grt_request),
        ctypes.POINTER(grt_error)]),
    "grt_ranking_step": (ctypes.c_int32, [
        ctypes.POINTER(grt_step),
        ctypes.c_void_p,
        ctypes.POINTER(grt_error)]),
    "grt_ranking_cancel": (None, [ctypes.c_void_p]),
    "grt_ranking_result": (ctypes.c_int32, [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.POINTER(grt_error)]),
    "grt_ranking_free": (None, [ctypes.c_void_p]),
    "grt_result_count": (ctypes.c_size_t, [ctypes.c_void_p]),
    "grt_result_top": (ctypes.c_size_t, [ctypes.c_void_p]),
    "grt_result_indices": (ctypes.c_void_p, [ctypes.c_void_p]),
    "grt_result_scores": (ctypes.c_void_p, [ctypes.c_void_p]),
    "grt_result_logits": (ctypes.c_void_p, [ctypes.c_void_p]),
    "grt_result_states": (ctypes.c_void_p, [ctypes.c_void_p]),
    "grt_result_layers": (ctypes.c_void_p, [ctypes.c_void_p]),
    "grt_result_tokens": (ctypes.c_void_p, [ctypes.c_void_p]),
    "grt_result_flags": (ctypes.c_void_p, [ctypes.c_void_p]),
    "grt_result_item": (ctypes.c_int32, [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.POINTER(grt_item)]),
    "grt_result_stats": (None, [ctypes.c_void_p, ctypes.POINTER(grt_stats)]),
    "grt_result_plan": (None, [ctypes.c_void_p, ctypes.POINTER(grt_memory_plan)]),
    "grt_result_free": (None, [ctypes.c_void_p]),
    "grt_calibration_open": (ctypes.c_int32, [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.POINTER(grt_calibration_options),
        ctypes.POINTER(grt_error)]),
    "grt_calibration_count": (ctypes.c_size_t, [ctypes.c_void_p]),
    "grt_calibration_replaced": (ctypes.c_size_t, [ctypes.c_void_p]),
    "grt_calibration_add": (ctypes.c_int32, [
        ctypes.c_void_p,
        ctypes.POINTER(grt_request),
        ctypes.POINTER(grt_error)]),
    "grt_calibration_start": (ctypes.c_int32, [
        ctypes.c_void_p,
        ctypes.POINTER(grt_request),
        ctypes.POINTER(grt_error)]),
    "grt_calibration_step": (ctypes.c_int32, [
        ctypes.POINTER(grt_calibration_progress),
        ctypes.c_void_p,
        ctypes.POINTER(grt_error)]),
    "grt_calibration_plan_fit": (ctypes.c_int32, [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_size_t,
        ctypes.POINTER(grt_error)]),
    "grt_calibration_cancel": (None, [ctypes.c_void_p]),
    "grt_calibration_fit": (ctypes.c_int32, [
        ctypes.POINTER(grt_calibration_report),
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.POINTER(grt_error)]),
    "grt_calibration_report_row": (ctypes.c_int32, [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.POINTER(grt_calibration_row)]),
    "grt_calibration_gamma": (ctypes.c_int32, [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_void_p,
        ctypes.c_void_p]),
    "grt_calibration_close": (None, [ctypes.c_void_p]),
    "grt_kernel_describe": (ctypes.c_int32, [ctypes.c_size_t, ctypes.POINTER(grt_kernel_info)]),
    "grt_cpu_features_text": (ctypes.c_char_p, []),
}
