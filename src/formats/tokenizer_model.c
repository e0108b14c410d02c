/* tokenizer_model.c - a SentencePiece model (sentencepiece_model.proto) to a
 * vocabulary.
 *
 * Protocol buffers: a message is a run of fields, each a number and a wire type, then
 * the value (a varint, 8 or 4 bytes, or a length and that many bytes).  Fields that we
 * do not need are passed over. */
#include "formats/tokenizer_build.h"

#include "base/bytes.h"

#include <string.h>

/* ModelProto */
enum { MODEL_PIECES = 1, MODEL_TRAINER = 2, MODEL_NORMALISER = 3 };
/* SentencePiece */
enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_TYPE = 3 };
/* TrainerSpec */
enum {
    TRAINER_MODEL_TYPE = 3,
    TRAINER_SPACE_AS_SUFFIX = 24,
    TRAINER_UNK_PIECE = 45,
    TRAINER_BOS_PIECE,
    TRAINER_EOS_PIECE,
    TRAINER_PAD_PIECE
};
/* NormalizerSpec */
enum {
    NORMALISER_CHARSMAP = 2,
    NORMALISER_DUMMY_PREFIX,
    NORMALISER_EXTRA_SPACES,
    NORMALISER_ESCAPE_SPACES
};
enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };
enum { N_XLMR_LEFT_OUT = 3 }; /* <unk> <s> </s>, which have ids of their own */
enum { TYPE_UNIGRAM = 1, TYPE_BPE, TYPE_WORD, TYPE_CHAR };

typedef struct field {
    uint64_t number;
    uint64_t wire;
    uint64_t value;  /* of a number, or the size of `bytes` */
    grt_bytes bytes; /* of WIRE_BYTES */
} field;

typedef struct reader {
    grt_vocabulary *v;
    const char *path;
    grt_error *err;
    size_t first_id; /* what is added to a piece's place to give its id */
    size_t n_pieces;
    uint64_t model_type;
    bool has_first_mark, are_spaces_thinned, are_spaces_escaped, is_space_suffix;
    grt_text unk, bos, eos, pad;
} reader;

static uint64_t take_varint(grt_bytes *b)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = grt_bytes_u8(b);
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) return value;
    }
    b->is_short = true;
    return 0;
}

/* The next field; false at the end, and then b->is_short says whether it was a bad one.
 */
static bool next_field(grt_bytes *b, field *out)
{
    if (grt_bytes_left(b) == 0) return false;
    uint64_t tag = take_varint(b);
    *out = (field){.number = tag >> 3, .wire = tag & 7};
    switch (out->wire) {
    case WIRE_VARINT: out->value = take_varint(b); break;
    case WIRE_64: out->value = grt_bytes_u64(b); break;
    case WIRE_32: out->value = grt_bytes_u32(b); break;
    case WIRE_BYTES: {
        out->value = take_varint(b);
        const unsigned char *at = grt_bytes_take(b, out->value);
        if (at) out->bytes = grt_bytes_over(at, (size_t)out->value);
        break;
    }
    default: b->is_short = true;
    }
    return !b->is_short;
}

static grt_status damaged(const reader *r, const char *part)
{
    GRT_FAIL(r->err, GRT_E_FORMAT,
             "%s: not a SentencePiece model, or cut off: %s ends inside a field",
             r->path, part);
}

static grt_text text_of(const field *f)
{
    return (grt_text){(const char *)f->bytes.data, f->bytes.size};
}

/* ---- Pieces ---- */

typedef struct piece {
    grt_text text;
    double score;
    uint64_t type;
} piece;

static grt_status parse_piece(piece *out, reader *r, grt_bytes b)
{
    *out = (piece){.text = {"", 0}, .type = GRT_PIECE_NORMAL};
    field f;
    while (next_field(&b, &f)) {
        if (f.number == PIECE_TEXT && f.wire == WIRE_BYTES) out->text = text_of(&f);
        if (f.number == PIECE_TYPE && f.wire == WIRE_VARINT) out->type = f.value;
        if (f.number == PIECE_SCORE && f.wire == WIRE_32) {
            uint32_t bits = (uint32_t)f.value;
            float score;
            memcpy(&score, &bits, sizeof(score));
            out->score = (double)score;
        }
    }
    return b.is_short ? damaged(r, "a piece") : GRT_OK;
}

static grt_status read_piece(reader *r, grt_bytes b, size_t place)
{
    piece p;
    GRT_TRY(parse_piece(&p, r, b));
    if (p.type < GRT_PIECE_NORMAL || p.type > GRT_PIECE_BYTE)
        GRT_FAIL(r->err, GRT_E_FORMAT, "%s: piece %zu is of type %llu, not 1 to 6",
                 r->path, place, (unsigned long long)p.type);
    if (r->first_id > 0 && place < N_XLMR_LEFT_OUT) {
        if (p.type == GRT_PIECE_NORMAL)
            GRT_FAIL(r->err, GRT_E_FORMAT,
                     "%s: piece %zu is text, where XLM-RoBERTa's models have a control "
                     "token",
                     r->path, place);
        return GRT_OK;
    }
    uint64_t id = place + r->first_id;
    GRT_TRY(
        grt_vocabulary_set_scored(r->v, id, p.text, p.type, p.score, r->path, r->err));
    if (p.type == GRT_PIECE_UNKNOWN && r->v->unk == GRT_NO_TOKEN)
        r->v->unk = (int32_t)id;
    if (p.type == GRT_PIECE_BYTE) r->v->byte_fallback = true;
    return GRT_OK;
}

/* ---- Specifications ---- */

static grt_status read_trainer(reader *r, grt_bytes b)
{
    field f;
    while (next_field(&b, &f)) {
        bool is_text = f.wire == WIRE_BYTES;
        if (f.number == TRAINER_UNK_PIECE && is_text) r->unk = text_of(&f);
        if (f.number == TRAINER_BOS_PIECE && is_text) r->bos = text_of(&f);
        if (f.number == TRAINER_EOS_PIECE && is_text) r->eos = text_of(&f);
        if (f.number == TRAINER_PAD_PIECE && is_text) r->pad = text_of(&f);
        if (f.wire != WIRE_VARINT) continue;
        if (f.number == TRAINER_MODEL_TYPE) r->model_type = f.value;
        if (f.number == TRAINER_SPACE_AS_SUFFIX) r->is_space_suffix = f.value != 0;
    }
    return b.is_short ? damaged(r, "the trainer's specification") : GRT_OK;
}

static grt_status read_normaliser(reader *r, grt_bytes b)
{
    field f;
    while (next_field(&b, &f)) {
        if (f.number == NORMALISER_CHARSMAP && f.wire == WIRE_BYTES)
            GRT_TRY(grt_charsmap_read(&r->v->charsmap, &r->v->arena, f.bytes.data,
                                      f.bytes.size, r->path, r->err));
        if (f.wire != WIRE_VARINT) continue;
        if (f.number == NORMALISER_DUMMY_PREFIX) r->has_first_mark = f.value != 0;
        if (f.number == NORMALISER_EXTRA_SPACES) r->are_spaces_thinned = f.value != 0;
        if (f.number == NORMALISER_ESCAPE_SPACES) r->are_spaces_escaped = f.value != 0;
    }
    return b.is_short ? damaged(r, "the normaliser's specification") : GRT_OK;
}

/* ---- The model ---- */

static grt_status count_pieces(reader *r, grt_bytes b)
{
    field f;
    while (next_field(&b, &f))
        r->n_pieces += f.number == MODEL_PIECES && f.wire == WIRE_BYTES;
    if (b.is_short) return damaged(r, "the file");
    if (r->n_pieces == 0)
        GRT_FAIL(r->err, GRT_E_FORMAT, "%s: a SentencePiece model without pieces",
                 r->path);
    return GRT_OK;
}

static grt_status read_parts(reader *r, grt_bytes b)
{
    size_t place = 0;
    field f;
    while (next_field(&b, &f)) {
        if (f.wire != WIRE_BYTES) continue;
        if (f.number == MODEL_PIECES) GRT_TRY(read_piece(r, f.bytes, place++));
        if (f.number == MODEL_TRAINER) GRT_TRY(read_trainer(r, f.bytes));
        if (f.number == MODEL_NORMALISER) GRT_TRY(read_normaliser(r, f.bytes));
    }
    return GRT_OK;
}

/* Algorithms of SentencePiece that no reranker uses. */
static grt_status check_kind(const reader *r)
{
    static const char *const names[] = {"", "UNIGRAM", "BPE", "WORD", "CHAR"};
    if (r->model_type != TYPE_UNIGRAM && r->model_type != TYPE_BPE)
        GRT_FAIL(r->err, GRT_E_UNSUPPORTED,
                 "%s: a SentencePiece model of type %llu%s%s; known: UNIGRAM, BPE",
                 r->path, (unsigned long long)r->model_type,
                 r->model_type <= TYPE_CHAR ? " " : "",
                 r->model_type <= TYPE_CHAR ? names[r->model_type] : "");
    if (!r->are_spaces_escaped || r->is_space_suffix)
        GRT_FAIL(r->err, GRT_E_UNSUPPORTED,
                 "%s: a SentencePiece model %s is not supported", r->path,
                 r->is_space_suffix ? "with spaces behind words"
                                    : "that does not escape spaces");
    return GRT_OK;
}

static int32_t find(const reader *r, grt_text text)
{
    return grt_vocabulary_find(r->v, text.data, text.size);
}

static grt_status read_model(reader *r, const char *text, size_t n)
{
    grt_bytes bytes = grt_bytes_over(text, n);
    GRT_TRY(count_pieces(r, bytes));
    if (r->n_pieces > GRT_MAX_VOCABULARY - 2)
        GRT_FAIL(r->err, GRT_E_FORMAT, "%s: %zu pieces; at most %d are read", r->path,
                 r->n_pieces, (int)GRT_MAX_VOCABULARY - 2);
    grt_vocabulary_begin(r->v, GRT_TOKENIZER_UNIGRAM);
    GRT_TRY(grt_arena_alloc(&r->v->arena, &r->v->scores, r->n_pieces + 2, sizeof(float),
                            r->err));
    GRT_TRY(
        grt_vocabulary_reserve(r->v, r->n_pieces + 2 * r->first_id, r->path, r->err));
    GRT_TRY(read_parts(r, bytes));
    GRT_TRY(check_kind(r));
    if (r->model_type == TYPE_BPE) r->v->kind = GRT_TOKENIZER_SENTENCE_BPE;
    r->v->fuse_unknown = true;
    grt_vocabulary_set_spaces(r->v, r->has_first_mark, r->are_spaces_thinned);
    return GRT_OK;
}

static reader begin(grt_vocabulary *out, const char *path, grt_error *err)
{
    return (reader){.v = out,
                    .path = path,
                    .err = err,
                    .model_type = TYPE_UNIGRAM,
                    .has_first_mark = true,
                    .are_spaces_thinned = true,
                    .are_spaces_escaped = true,
                    .unk = {"<unk>", 5},
                    .bos = {"<s>", 3},
                    .eos = {"</s>", 4},
                    .pad = {"<pad>", 5}};
}

grt_status grt_vocabulary_read_model(grt_vocabulary *out, const char *text, size_t n,
                                     const char *path, grt_error *err)
{
    reader r = begin(out, path, err);
    GRT_TRY(read_model(&r, text, n));
    if (out->unk == GRT_NO_TOKEN) out->unk = find(&r, r.unk);
    out->bos = find(&r, r.bos);
    out->eos = find(&r, r.eos);
    out->pad = find(&r, r.pad);
    grt_vocabulary_finish_sentence(out);
    return GRT_OK;
}

grt_status grt_vocabulary_read_model_xlmr(grt_vocabulary *out, const char *text,
                                          size_t n, const char *path, grt_error *err)
{
    static const char *const names[] = {"<s>", "<pad>", "</s>", "<unk>"};
    reader r = begin(out, path, err);
    r.first_id = 1;
    GRT_TRY(read_model(&r, text, n));
    for (size_t id = 0; id < 4; id++)
        GRT_TRY(
            grt_vocabulary_set(out, id, names[id], strlen(names[id]), true, path, err));
    GRT_TRY(grt_vocabulary_set(out, r.n_pieces + 1, "<mask>", 6, true, path, err));
    grt_vocabulary_finish_sentence(out);
    return GRT_OK;
}
