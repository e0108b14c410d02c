# node.sh - sourced by ./test: the Node package, its tarballs in a fresh project, and the
# frameworks that it serves.

# Prints SKIP where node is missing or the package index cannot be reached.
run_node() {
    folder=$PWD/build-node
    if ! command -v npm >/dev/null 2>&1; then
        echo "SKIP the Node package: npm is not installed"
        return 0
    fi
    mkdir -p "$folder/headers"
    if ! (cd "$folder/headers" && npm pack --silent node-api-headers@1.9.0 >/dev/null &&
          tar xzf node-api-headers-1.9.0.tgz); then
        echo "SKIP the Node package: the package index cannot be reached"
        return 0
    fi
    configure_in build-node -S . -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DGRT_COMMAND=OFF \
        -DGRT_DUVISOR=OFF -DGRT_NODE=ON -DCMAKE_C_FLAGS=-Werror \
        "-DNODE_API_INCLUDE=$folder/headers/package/include" >"$folder/log"
    cmake --build build-node -j "$jobs" >>"$folder/log" || { tail -40 "$folder/log"; return 1; }
    GRATING_ADDON=$folder/node/grating.node node --test bindings/node/test/addon.test.js
    # In a project of its own, from the tarballs, without any script of theirs.
    rm -rf "$folder/dist" "$folder/project"
    tools/release/npm.sh "$folder/dist" build-node
    mkdir "$folder/project"
    cp bindings/node/frameworks/package.json bindings/node/frameworks/*.mjs "$folder/project/"
    (cd "$folder/project" &&
        npm install --silent --no-audit --no-fund --ignore-scripts --omit=optional &&
        npm install --silent --no-audit --no-fund --ignore-scripts --no-save --omit=optional \
            "$folder"/dist/grating-[a-z]*-*.tgz "$folder"/dist/grating-[0-9]*.tgz &&
        node --input-type=module -e "import { Model } from 'grating';
const model = await Model.open();
const [best] = await model.rank('how do owls hunt', ['Bread rises.', 'Owls hunt at night.'], { k: 1 });
if (best.index !== 1) process.exit(1);" &&
        node --test frameworks.test.mjs &&
        npx tsc --noEmit --strict --module nodenext --target es2022 --lib es2022,dom,esnext.disposable \
            --skipLibCheck node_modules/grating/lib/index.d.ts)
}
