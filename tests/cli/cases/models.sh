# Models by name: bundled, in the Hugging Face cache, of Ollama, from the environment.
printf 'an owl\nbread\n' >two.txt
which() { # the model that is taken
    "$command" rank "$@" -q owl --json --no-stats --no-text two.txt >out 2>err
    echo "exit: $?"
    sed 's/.*"model": "\([^"]*\)".*/\1/' out
    cat err
}
# Caches as huggingface_hub makes them: files are blobs, snapshots hold links to them.
fetched() { # fetched FOLDER REVISION FILE...
    at=$1/snapshots/$2
    shift 2
    for file; do
        mkdir -p "${at%/snapshots/*}/blobs" "$at/$(dirname "$file")"
        : >"${at%/snapshots/*}/blobs/of-$(basename "$file")"
        ln -s "${at%/snapshots/*}/blobs/of-$(basename "$file")" "$at/$file"
    done
}
branch() { # branch FOLDER NAME REVISION
    mkdir -p "$1/refs"
    printf '%s' "$3" >"$1/refs/$2"
}
echo '-- the Hugging Face cache: branch main, the newest without it, other revisions'
hub=$PWD/.cache/huggingface/hub
ranker=$hub/models--acme--ranker
fetched "$ranker" old config.json model.safetensors
fetched "$ranker" new config.json model.safetensors
branch "$ranker" main old
branch "$ranker" tuned new
which -m acme/ranker
which -m acme/ranker@tuned
which -m acme/ranker@new
which -m acme/ranker@lost
which -m acme/ranker@../snapshots/new
which -m https://huggingface.co/acme/ranker
which -m https://huggingface.co/acme/ranker/tree/main
which -m hf.co/acme/ranker
rm -r "$ranker/refs"
touch -d '2001-01-01' "$ranker/snapshots/old"
which -m acme/ranker
branch "$ranker" main gone
which -m acme/ranker
echo '-- main has its config only: an older revision has the weights'
fetched "$ranker" newest config.json
branch "$ranker" main newest
which -m acme/ranker
echo '-- shards, and one that is not there'
shards=$hub/models--acme--shards
fetched "$shards" abc config.json model.safetensors.index.json model-00001-of-00002.safetensors
mkdir -p "$shards/blobs"
: >"$shards/blobs/0123.incomplete"
which -m acme/shards
fetched "$shards" abc model-00002-of-00002.safetensors
which -m acme/shards
echo '-- GGUF files: one, several, in parts, in folders of their own'
fetched "$hub/models--acme--one-file" abc model-q8_0.gguf README.md
which -m acme/one-file
which -m "$hub/models--acme--one-file"
many=$hub/models--acme--many-GGUF
fetched "$many" abc config.json many-Q4_K.gguf many-Q4_K_M.gguf many.Q8_0.gguf mmproj-f16.gguf \
    f16/many-f16-00001-of-00002.gguf f16/many-f16-00002-of-00002.gguf
which -m acme/many-GGUF
which -m acme/many-GGUF:q4_k
which -m acme/many-GGUF:Q8_0
which -m acme/many-GGUF:f16
which -m acme/many-GGUF:Q2_K
which -m "$many"
echo '-- weights that the library tells about, and nothing'
fetched "$hub/models--acme--torch" abc config.json pytorch_model.bin
which -m acme/torch
mkdir -p "$hub/models--acme--empty/refs" "$hub/models--acme--bare/snapshots/abc"
which -m acme/empty
which -m acme/bare
which -m "$hub/models--acme--bare"
fetched "$hub/models--acme--linkless" abc config.json model.safetensors
rm "$hub/models--acme--linkless/blobs/of-model.safetensors"
which -m acme/linkless
fetched "$hub/models--first" abc config.json model.safetensors
which -m first
echo '-- names that are nowhere'
which -m acme/absent
which -m ACME/Ranker
which -m ranker
which -m ./acme/absent
which -m absent/model.gguf
echo '-- caches elsewhere; one that is named twice is one'
export HF_HOME='~/elsewhere'
fetched "$PWD/elsewhere/hub/models--acme--ranker" moved config.json model.safetensors
which -m acme/ranker
export HF_HUB_CACHE=$PWD/elsewhere/hub
run models --names
unset HF_HOME HF_HUB_CACHE
echo '-- a folder of that name comes first'
mkdir -p acme/ranker
which -m acme/ranker
rm -r acme
rm -r "$hub/models--acme--many-GGUF" "$hub/models--acme--torch" "$hub/models--acme--empty" \
    "$hub/models--acme--linkless" "$hub/models--first" "$shards"
echo '-- Ollama: names, owners, hosts, tags; case does not count'
store=.ollama/models
manifest() { # manifest NAME LAYER...: a file of the store, as its server writes it
    name=$1
    shift
    mkdir -p "$store/blobs" "$store/manifests/$(dirname "$name")"
    layers='{"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:9", "size": 1}'
    for layer; do
        layers=$layers', {"mediaType": "application/vnd.ollama.image.'${layer%=*}'", "digest": "sha256:'${layer#*=}'", "size": 1}'
    done
    printf '{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": [%s]}' \
        "$layers" >"$store/manifests/$name"
}
manifest registry.ollama.ai/library/reranker/latest model=0123
manifest registry.ollama.ai/acme/other/q8 model=0123
manifest hf.co/acme/other-GGUF/Q4_K_M model=0123
: >$store/blobs/sha256-0123
which -m ollama:reranker
which -m ollama:reranker:latest
which -m ollama:acme/other:q8
which -m ollama:registry.ollama.ai/acme/other:q8
which -m ollama:hf.co/acme/other-gguf:q4_k_m
which -m reranker
which -m ollama:reranker:q4
which -m ollama:rerankr
which -m ollama:
which -m ollama:../../two
mv $store/blobs/sha256-0123 $store/blobs/sha256:0123
which -m ollama:reranker
mv $store/blobs/sha256:0123 $store/blobs/sha256-0123
echo '-- what its manifests name is not there, leads away, or is half of the model'
manifest registry.ollama.ai/library/broken/gone model=4567
manifest registry.ollama.ai/library/broken/evil model=../../two.txt
manifest registry.ollama.ai/library/broken/none
manifest registry.ollama.ai/library/broken/lora model=0123 adapter=0123
printf '{"layers": [' >$store/manifests/registry.ollama.ai/library/broken/cut
for tag in gone evil none lora cut; do which -m ollama:broken:$tag; done
echo '-- the environment'
GRATING_MODEL=acme/ranker
export GRATING_MODEL
which
which -m ./other
GRATING_MODEL=
which -m ''
unset GRATING_MODEL
echo '-- bundled ones, and names that are nearly theirs'
install_under named
which -m gratng-small
which -m grating-smalls
which -m something-else
printf -- '---\nlicense: apache-2.0\n---\n# A model\nlicense: no\n' \
    >named/share/grating/models/grating-small/README.md
mkdir named/share/grating/models/missing-part
echo '-- the list'
run models
run models --names
run models --all
run models --json
run models x
run models --names --json
