# Models by name: bundled, in the Hugging Face cache, of Ollama, from the environment.
printf 'an owl\nbread\n' >two.txt
which() { # the model that is taken
    "$command" rank "$@" -q owl --json --no-stats --no-text two.txt >out 2>err
    echo "exit: $?"
    sed 's/.*"model": "\([^"]*\)".*/\1/' out
    cat err
}
snapshot() { # snapshot FOLDER REVISION FILE: a repository of the cache
    mkdir -p "$1/snapshots/$2"
    : >"$1/snapshots/$2/$3"
}
echo '-- the Hugging Face cache: branch main, the newest without it, a GGUF file alone'
hub=.cache/huggingface/hub
snapshot $hub/models--acme--ranker old config.json
snapshot $hub/models--acme--ranker new config.json
mkdir $hub/models--acme--ranker/refs
printf 'old\n' >$hub/models--acme--ranker/refs/main
which -m acme/ranker
rm -r $hub/models--acme--ranker/refs
touch -d '2001-01-01' $hub/models--acme--ranker/snapshots/old
which -m acme/ranker
snapshot $hub/models--acme--one-file abc model-q8_0.gguf
which -m acme/one-file
which -m $hub/models--acme--one-file
which -m acme/absent
which -m ./acme/absent
mkdir -p $hub/models--acme--empty/refs
which -m acme/empty
export HF_HOME=$PWD/elsewhere
snapshot elsewhere/hub/models--acme--ranker moved config.json
which -m acme/ranker
unset HF_HOME
echo '-- a folder of that name comes first'
mkdir -p acme/ranker
which -m acme/ranker
rm -r acme
echo '-- Ollama'
store=.ollama/models
mkdir -p $store/blobs $store/manifests/registry.ollama.ai/library/reranker \
    $store/manifests/registry.ollama.ai/acme/other
: >$store/blobs/sha256-0123
printf '{"layers": [{"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:9"}, {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:0123"}]}' \
    >$store/manifests/registry.ollama.ai/library/reranker/latest
cp $store/manifests/registry.ollama.ai/library/reranker/latest \
    $store/manifests/registry.ollama.ai/acme/other/q8
which -m ollama:reranker
which -m ollama:reranker:latest
which -m ollama:acme/other:q8
which -m ollama:reranker:q4
which -m ollama:
printf '{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../two.txt"}]}' \
    >$store/manifests/registry.ollama.ai/library/reranker/evil
which -m ollama:reranker:evil
echo '-- the environment'
GRATING_MODEL=acme/ranker
export GRATING_MODEL
which
which -m other
GRATING_MODEL=
which -m ''
unset GRATING_MODEL
echo '-- bundled ones, and names that are nearly theirs'
install_under named
which -m gratng-mini
which -m grating-minis
which -m something-else
printf -- '---\nlicense: apache-2.0\n---\n# A model\nlicense: no\n' \
    >named/share/grating/models/grating-mini/README.md
mkdir named/share/grating/models/missing-part
echo '-- the list'
run models
run models --names
run models --all
run models --json
run models x
run models --names --json
