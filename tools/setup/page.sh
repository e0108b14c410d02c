# page.sh - sourced by ./test: the page of `grating serve` in a browser.

# Installs what is not there; Node may have come from elsewhere, with an npm of its own.
get_page_packages() {
    wanted=
    command -v chromium >/dev/null 2>&1 || wanted='chromium?'
    command -v npm >/dev/null 2>&1 || wanted="$wanted nodejs? npm?"
    # shellcheck disable=SC2086
    need_packages $wanted
}

# What is missing for it, in words; nothing when all is there.
page_lacks() {
    command -v chromium >/dev/null 2>&1 || { echo "there is no chromium"; return; }
    command -v npm >/dev/null 2>&1 || { echo "there is no npm"; return; }
    node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null ||
        { echo "there is no Node 20 or later"; return; }
    mkdir -p build-page && cp tests/serve/page/* build-page/ &&
        (cd build-page && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) ||
        echo "npm ci cannot get playwright-core and axe-core (build-page/npm.log)"
}

# Pictures of the page are left in build-page/. Never fails for what is missing.
run_page() {
    lack=$(page_lacks)
    if [ -n "$lack" ]; then
        echo "SKIP the page in a browser: $lack"
        return 0
    fi
    build dev grating_command
    GRATING="$PWD/build-dev/grating" CHROMIUM=$(command -v chromium) SHOTS="$PWD/build-page" \
        node --test build-page/page.test.mjs
}
