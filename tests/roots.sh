#!/usr/bin/env bash
# Builds and tries hone as somebody would who has just got it, in bare Debian roots that hold nothing but what is named.
#
#   tests/roots.sh [CASE]...       as root; all cases if none is named
#
#   bookworm, trixie, sid       two commands on a bare system
#   bullseye                    the oldest: gcc 10 and clang 11
#   developer                   bookworm with libopenblas-dev, libomp-dev, libcmocka-dev and libgoogle-perftools-dev
#   serial                      bookworm with libopenblas-serial-dev
#   user                        bookworm, by a user without root and sudo, what is needed being there
#   container                   packaging/Containerfile, its steps one by one where nothing can build images
#   packages                    Debian packages: built, installed, started, upgraded, tried, purged
#   release                     TARBALL, unpacked where there is no git
#
# The mirror is the one that this machine's apt-get is configured for. A root is made once a release, in
# ROOTS (build/roots), and copied for each case. FULL=1: make demo and all of make test, instead of a part.
set -u
cd "$(dirname "$0")/.." || exit 1
ROOTS=$(mkdir -p "${ROOTS:-build/roots}" && cd "${ROOTS:-build/roots}" && pwd)
ALL="bookworm trixie developer serial user container packages bullseye sid"
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
SOME="build/tests/unit/test_blas build/tests/unit/test_gguf build/tests/golden/test_models tests/cli/test_embed.py
      tests/cli/test_install.py tests/cli/test_completion.py tests/cli/test_demo.py tests/layers"

mirror() {
    apt-get indextargets --format '$(SITE)' 'Origin: Debian' | grep -v security | head -n 1
}

# The base system of a release.
base() {
    local suite=$1 root=$ROOTS/base-$1
    if [ ! -e "$root/made" ]; then
        rm -rf "$root"
        debootstrap --variant=minbase "$suite" "$root" "$(mirror)" >"$ROOTS/debootstrap-$suite.log" 2>&1 || {
            tail -n 3 "$ROOTS/debootstrap-$suite.log"
            return 1
        }
        # How this machine reaches the network.
        cp -L /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null
        for file in /etc/pip.conf ~/.config/pip/pip.conf ~/.pip/pip.conf; do
            [ ! -e "$file" ] || sed "s|^cert *=.*|cert = /etc/machine.crt|" "$file" >"$root/etc/pip.conf"
        done
        [ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/machine.crt"
        apt-config dump | grep -i '^Acquire::.*Proxy' >"$root/etc/apt/apt.conf.d/90proxy"
        # A mirror of an earlier day says of sid that it is too old.
        echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/90dates"
        touch "$root/made"
    fi
}

# Runs a script in the root of this case, with its own processes, /proc and /dev.
inside() {
    unshare --mount --pid --fork bash -c '
        root=$1 script=$2
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs tmpfs "$root/tmp"
        # of the environment, how the network is reached
        mapfile -t kept < <(env | grep -iE "^([a-z]+_proxy|PIP_[A-Z_]+)=")
        exec env -i LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive HOME=/root "${kept[@]}" \
            PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" /bin/bash -euc "$script"
        ' inside "$ROOT" "$1"
}

# A copy of a release's base with the sources in /hone.
begin() {
    ROOT=$ROOTS/$1
    rm -rf "$ROOT"
    base "$2" && cp -a --reflink=auto "$ROOTS/base-$2" "$ROOT" && mkdir "$ROOT/hone" || return 1
    local tarball=${TARBALL:-}
    if [ -z "$tarball" ]; then
        make -s tarball || return 1
        tarball=$(ls build/release/hone-*.tar.gz)
    fi
    tar -xzf "$tarball" -C "$ROOT/hone" --strip-components=1
}

get="apt-get install -y -q --no-install-recommends"
# What a person types.
two_commands() {
    if [ -n "${FULL:-}" ]; then
        inside "apt-get update -q; $get make; cd /hone; make -j2 demo; make -j2 test"
    else
        inside "apt-get update -q; $get make; cd /hone; make deps; .ci/packages install test; make -j2 tests
                HONE=build/hone tests/run $(echo $SOME)"
    fi
}

bookworm() { begin bookworm bookworm && two_commands; }
trixie() { begin trixie trixie && two_commands; }

compile() { # with gcc and the oldest or newest clang that is there
    inside "apt-get update -q; $get make; cd /hone; make deps; make -j2 all; build/hone --version -v
            .ci/packages install test; make -j2 build/tests/golden/test_models
            HONE=build/hone tests/run build/tests/golden/test_models tests/cli/test_embed.py tests/layers
            $get clang; make -j2 objects CC=clang BUILD=build/clang"
}
sid() { begin sid sid && compile; }
bullseye() { begin bullseye bullseye && compile; }

developer() {
    begin developer bookworm &&
        inside "apt-get update -q; $get libopenblas-dev libomp-dev libcmocka-dev libgoogle-perftools-dev" &&
        two_commands &&
        inside "cd /hone; make -j2 MALLOC=tcmalloc build/hone; ldd build/hone | grep tcmalloc; .ci/packages install profile
                make profile SECONDS=2; ls -l build/profile"
}

serial() {
    begin serial bookworm && inside "apt-get update -q; $get libopenblas-serial-dev" && two_commands
}

user() {
    begin user bookworm &&
        inside "useradd --create-home person; chown -R person /hone
                apt-get update -q; $get make; cd /hone
                # first nothing is there: it is told what root should install, and nothing is tried
                ! setpriv --reuid=person --regid=person --clear-groups make deps >/hone/said 2>&1
                cat /hone/said; grep -q 'apt-get install --no-install-recommends' /hone/said
                .ci/packages install build more
                setpriv --reuid=person --regid=person --clear-groups env HOME=/home/person bash -euc '
                    make -j2 all; make install PREFIX=\$HOME/.local
                    echo a text | \$HOME/.local/bin/hone embed -m tests/fixtures/bert-embed | grep embedding'"
}

packages() {
    begin packages bookworm && inside "
        apt-get update -q; $get make
        cd /hone; DEB_BUILD_OPTIONS=parallel=2 make packages
        cp build/packages/*.deb /srv
        apt-get purge -y -q debhelper lintian 'libgnutls28-dev' >/dev/null; apt-get autoremove --purge -y -q >/dev/null" &&
        inside "
        cd /srv; $get ./hone_*.deb ./hone-server_*.deb ./libhone0_*.deb
        hone --version; man -w hone-embed 2>/dev/null || ls /usr/share/man/man1/hone-embed.1* || true
        $get ./libhone-dev_*.deb gcc libc6-dev pkg-config curl logrotate
        cd /hone; sh debian/tests/library; sh debian/tests/server
        # an upgrade keeps what the administrator wrote
        echo '# kept' >>/etc/hone/hone.conf
        mkdir /tmp/next; dpkg-deb -R /srv/hone-server_*.deb /tmp/next; sed -i 's/^Version: .*/&+next/' /tmp/next/DEBIAN/control
        echo '# new' >>/tmp/next/etc/hone/hone.conf; (cd /tmp/next; find etc -type f | sed 's|^|/|' >DEBIAN/conffiles)
        dpkg-deb -b /tmp/next /srv/next.deb; dpkg --force-confdef --force-confold -i /srv/next.deb
        grep -q '# kept' /etc/hone/hone.conf
        apt-get purge -y -q hone hone-server libhone0 libhone-dev
        left=\$(ls -d /etc/hone /var/cache/hone /var/log/hone /usr/bin/hone /usr/lib/*/libhone* /etc/logrotate.d/hone \
            /lib/systemd/system/hone.service 2>/dev/null || true)
        echo \"left: \$left\"; [ -z \"\$left\" ]"
}

# The Containerfile's steps, each stage in a root of its own, and what it leads to: as its user, on a root that cannot be
# written, with its health check.
container() {
    local file=packaging/Containerfile word rest stage=container-built user='' entry='' health='' line
    local -A variables=()
    while read -r word rest; do
        case $word in
            FROM)
                case $rest in *' AS build') stage=container-built ;; *) stage=container ;; esac
                begin "$stage" bookworm && mkdir -p "$ROOTS/$stage/src" || return 1
                variables=() ;;
            ENV) for line in $rest; do variables[${line%%=*}]=${line#*=}; done ;;
            WORKDIR) variables[dir]=$rest ;;
            COPY)
                if [ "${rest% *}" = . ]; then
                    cp -a "$ROOTS/$stage/hone/." "$ROOTS/$stage${rest##* }/"
                else
                    set -- $rest # --from=build FILE FILE
                    cp -a "$ROOTS/container-built$2" "$ROOTS/$stage$3"
                fi || return 1 ;;
            RUN) inside "cd ${variables[dir]:-/}; $rest" || return 1 ;;
            USER) user=$rest ;;
            HEALTHCHECK) health=$(sed 's/.*"-c", *"//; s/"\]$//; s/\\\\/\\/g' <<<"$rest") ;;
            ENTRYPOINT) entry=$(tr -d '[]",' <<<"$rest") ;;
            EXPOSE) ;;
            *) echo "no step that is known: $word"; return 1 ;;
        esac
    done < <(sed -e '/^#/d' -e '/^$/d' "$file" | sed -e ':a' -e '/\\$/{N;s/\\\n *//;ba' -e '}')
    rm -rf "$ROOTS/container-built"
    cp -r tests/fixtures/bert-embed "$ROOT/srv/model"
    inside "mount --bind / /mnt; mount -o remount,bind,ro /mnt; mount --rbind /dev /mnt/dev; mount -t proc proc /mnt/proc
            mount -t tmpfs -o mode=1777 tmpfs /mnt/var/cache/hone; ip link set lo up 2>/dev/null || true
            export HONE_HOST=${variables[HONE_HOST]} XDG_CACHE_HOME=${variables[XDG_CACHE_HOME]}
            chroot --userspec=$user /mnt $entry -m /srv/model & server=\$!
            ! chroot --userspec=$user /mnt touch /srv/written
            for i in \$(seq 600); do chroot --userspec=$user /mnt bash -c '$(sed "s/'/'\\\\''/g" <<<"$health")' && break; sleep 0.5; done
            chroot --userspec=$user /mnt bash -c '$(sed "s/'/'\\\\''/g" <<<"$health")'; kill \$server; wait \$server"
}

release() { begin release bookworm && two_commands; }

failed=0 passed=0
[ $# -gt 0 ] || set -- $ALL
for name; do
    start=$SECONDS
    if "$name" >"$ROOTS/$name.log" 2>&1; then
        result=ok passed=$((passed + 1))
    else
        result=FAIL failed=$((failed + 1))
        tail -n 40 "$ROOTS/$name.log"
    fi
    printf '%-4s  %-12s %5d s\n' "$result" "$name" $((SECONDS - start))
    [ -n "${KEEP:-}" ] || rm -rf "${ROOTS:?}/$name"
done
echo "$passed passed, $failed failed, 0 skipped"
exit $((failed > 0))
