#!/bin/sh
# Measures hone beside other CPU engines: bench/peers.sh encode [OPTION]... texts and pairs, bench/peers.sh generate
# [OPTION]... prompts, bench/peers.sh complete [OPTION]... texts for an encoder and a decoder; --help lists the options.
# They leave build/peers/NAME.json; bench/peers.sh report NAME.json... keeps such files and writes the tables and pictures
# of docs/performance.md anew. Without a word all of that, in half an hour.
# The first run fetches the engines from PyPI (some 3 GB, into build/) and builds llama.cpp; later ones need no network.
# Needs the Debian packages python3-venv, cmake and g++.
set -eu
cd "$(dirname "$0")/.."

llama=llama-cpp-python==0.3.36
hone=${HONE:-build/hone}
venv=build/peers-venv
sources=build/peers/sources

if ! cmp -s bench/peers/requirements.txt $venv/complete; then
    [ -e $venv/bin/pip ] || python3 -m venv $venv
    $venv/bin/python -m pip install -q -r bench/peers/requirements.txt
    mkdir -p $sources
    # Built here, for this CPU; without it the other engines are measured all the same.
    if ! $venv/bin/python -c 'import llama_cpp' 2>/dev/null &&
        ! { $venv/bin/python -m pip download -q --no-deps --no-binary llama-cpp-python -d $sources $llama &&
            CMAKE_ARGS="-DGGML_NATIVE=ON -DCMAKE_BUILD_TYPE=Release" \
                $venv/bin/python -m pip install -q $sources/llama_cpp_python-*.tar.gz; }; then
        echo "peers: llama.cpp could not be built and is left out" >&2
    fi
    cp bench/peers/requirements.txt $venv/complete
fi

measure() {
    script=$1
    shift
    $venv/bin/python -B bench/peers/"$script".py --hone "$hone" --library "$(dirname "$hone")/libhone.so.0" "$@"
}

case ${1-} in
'')
    measure encode
    for shape in xlm-r-base bert-large; do measure encode --shape $shape; done
    measure generate
    measure complete --process
    $venv/bin/python -B bench/peers/report.py build/peers/encode-*.json build/peers/generate-*.json
    ;;
report)
    shift
    $venv/bin/python -B bench/peers/report.py "$@"
    ;;
*) measure "$@" ;;
esac
