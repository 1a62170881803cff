# hone: make help lists the targets.

VERSION := $(shell sed -n 's/^\#define HONE_VERSION "\(.*\)"/\1/p' runtime/include/hone/hone.h)
RELEASED := $(shell sed -n 's/^\#define HONE_RELEASED "\(.*\)"/\1/p' cli/man.c)
PREFIX  ?= /usr/local
ifeq ($(origin CC),default)
CC := gcc
endif
ARCH    ?= $(shell uname -m)
# MODE: release, debug, asan (AddressSanitizer and UndefinedBehaviorSanitizer), tsan, coverage (clang)
MODE    ?= release
BUILD   := $(if $(filter release,$(MODE)),build,build/$(MODE))

# WERROR=1 makes errors of warnings, as every change must pass; another compiler may know warnings that ours does not.
WERROR  ?=
comma   := ,
# V=1 shows the commands.
Q   := $(if $(V),,@)
say  = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$(2)')

# Built for another machine: its compiler and libraries, and an emulator to run what came out. QEMU_CPU in the
# environment chooses the emulated processor (qemu-aarch64 -cpu help).
OBJCOPY    := objcopy
PKG_CONFIG := pkg-config
NEEDS      := build test
ifeq ($(ARCH),aarch64)
ifneq ($(shell uname -m),aarch64)
CC         := aarch64-linux-gnu-gcc
OBJCOPY    := aarch64-linux-gnu-objcopy
PKG_CONFIG := PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig pkg-config
BUILD      := $(BUILD)/aarch64
NEEDS      := aarch64
RUN        := qemu-aarch64
endif
endif

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla $(if $(WERROR),-Werror)
CFLAGS_release := -O3 -g1
CFLAGS_debug   := -O0 -g -DHONE_ASSERT
CFLAGS_asan    := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -DHONE_ASSERT
CFLAGS_tsan    := -O1 -g1 -fsanitize=thread -DHONE_ASSERT
CFLAGS_coverage := -O0 -g -fprofile-instr-generate -fcoverage-mapping
CFLAGS_fuzz    := -O1 -g1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -DHONE_ASSERT
# What hone is built without where it is not there: Redis as a second level of caches, whose keys are SHA-256.
HIREDIS  := $(shell $(PKG_CONFIG) --exists hiredis nettle 2>/dev/null && echo hiredis nettle)
PKGS     := libutf8proc libpcre2-8 jansson libxxhash $(HIREDIS)
CPPFLAGS += $(if $(HIREDIS),-DHONE_HIREDIS)
CPPFLAGS += -I. -Iruntime/include -D_GNU_SOURCE $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
CPPFLAGS += $(shell $(PKG_CONFIG) --exists 'jansson < 2.14' 2>/dev/null && echo -include packaging/jansson_before_2_14.h)
CFLAGS   += -std=gnu11 -pthread -fPIC -fvisibility=hidden -fno-math-errno -fno-trapping-math -ffp-contract=off $(WARNINGS) $(CFLAGS_$(MODE))
LDFLAGS  += -pthread $(filter -fsanitize=% -fprofile-instr-generate,$(CFLAGS_$(MODE)))
LDLIBS   += $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null) -ldl -lm
# Of the program alone: lines that are typed, hashes and, where they are there, compressed files, https and models that are
# fetched. PROGRAM_PKGS have archives, too.
GNUTLS       := $(shell $(PKG_CONFIG) --exists gnutls 2>/dev/null && echo gnutls)
CURL         := $(shell $(PKG_CONFIG) --exists libcurl nettle 2>/dev/null && echo libcurl nettle)
ZIPS         := $(shell for p in zlib libzstd liblzma; do $(PKG_CONFIG) --exists $$p 2>/dev/null && echo $$p; done)
PROGRAM_PKGS := libedit nettle $(ZIPS)
PROGRAM_LIBS := $(shell $(PKG_CONFIG) --libs $(PROGRAM_PKGS) $(CURL) $(GNUTLS) 2>/dev/null)
CPPFLAGS     += $(if $(CURL),-DHONE_CURL) $(if $(GNUTLS),-DHONE_GNUTLS)
CPPFLAGS     += $(if $(filter zlib,$(ZIPS)),-DHONE_ZLIB) $(if $(filter libzstd,$(ZIPS)),-DHONE_ZSTD) $(if $(filter liblzma,$(ZIPS)),-DHONE_LZMA)

# MALLOC=tcmalloc: gperftools' allocator instead of glibc's (docs/performance.md: which is better).
MALLOC       ?=
PROGRAM_LIBS += $(if $(MALLOC),-Wl$(comma)--no-as-needed -l$(MALLOC)_minimal -Wl$(comma)--as-needed)

# Every folder below these is a room of the library, but for the kernels and objects of other machines.
LIB_DIRS := $(filter-out kernels/template $(if $(filter x86_64,$(ARCH)),,kernels/x86) $(if $(filter aarch64,$(ARCH)),,kernels/arm), \
              $(shell find kernels quant tokenizer runtime -type d | sort))
LIB_SRCS := $(wildcard $(addsuffix /*.c,$(LIB_DIRS)))
CLI_DIRS := $(filter-out $(if $(CURL),,cli/hub/fetch),$(shell find cli server -type d | sort))
CLI_SRCS := $(wildcard $(addsuffix /*.c,$(CLI_DIRS)))
LIB_OBJS := $(LIB_SRCS:%.c=$(BUILD)/%.o)
# What of runtime/base the program has for itself, too: the library shows none of it.
CLI_OBJS := $(CLI_SRCS:%.c=$(BUILD)/%.o) $(patsubst %,$(BUILD)/runtime/base/%.o,assert cache_folder clock error files histogram lost_pages tables/hash_table tables/lru)

# A file of tests/kernels, tests/unit, tests/golden or tests/fuzz is one test program, and gets those in tests/*.c; one
# of tests/cli or tests/server gets the program's parts instead. Those of models come first: some take minutes under an
# emulator, while others run beside them.
TEST_SRCS  := $(wildcard tests/golden/*.c tests/kernels/*.c tests/unit/*.c tests/unit/*/*.c tests/fuzz/fuzz_*.c tests/cli/*.c tests/server/*.c \
                         tests/faults/test_*.c)
TEST_BINS  := $(TEST_SRCS:%.c=$(BUILD)/%)
# Targets of libFuzzer; here each is a program over seeded damage, and with MODE=fuzz (clang) libFuzzer's.
FUZZ_BINS  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/targets/*.c))
FUZZ_MAIN  := $(BUILD)/tests/fuzz/$(if $(filter fuzz,$(MODE)),libfuzzer,driver).o
TEST_OBJS  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/*.c))
# Under an emulator, what may depend on the machine. FOLDERS=kernels are the kernels alone.
FOLDERS    := kernels unit golden
EMULATED   := $(filter $(FOLDERS:%=$(BUILD)/tests/%/%),$(TEST_BINS))
# A real model's ranking is asked for its numbers; emulated, or with each load checked, it would take half an hour.
LONG       := $(if $(RUN)$(filter asan tsan,$(MODE)),%/test_reranker)
CLI_TESTS  := $(filter $(BUILD)/tests/cli/% $(BUILD)/tests/server/%,$(TEST_BINS))
TESTS      := $(filter-out $(LONG),$(if $(RUN),$(EMULATED),$(TEST_BINS) $(FUZZ_BINS) $(wildcard tests/cli/test_*.py tests/server/test_*.py tests/faults/test_*.py) $(wildcard tests/layers tests/headers tests/symbols)))
BENCH_BINS := $(patsubst %.c,$(BUILD)/%,$(wildcard bench/*.c))

.PHONY: all
all: $(BUILD)/hone $(BUILD)/libhone.a $(BUILD)/libhone.so.0 $(BUILD)/share/.made ## the program build/hone and the libraries

$(BUILD)/%.o: %.c | $(BUILD)/.packages
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# Kernels are a few functions of thousands of loads. Checked in place, avx512vnni.c alone takes 265 s to compile; by calls, and
# with lines as all that is known for a debugger, 23 s. object-size takes a table's entry that is found by a condition for a
# wrong one. Fuzzers damage what is read, and kernels see sizes that were checked by then: they have their own tests.
ifeq ($(MODE),asan)
$(BUILD)/kernels/%.o: CFLAGS += -fno-sanitize=object-size \
  $(if $(findstring clang,$(CC)),-mllvm -asan,--param asan)-instrumentation-with-call-threshold=0
else ifeq ($(MODE),fuzz)
$(BUILD)/kernels/%.o: CFLAGS := $(filter-out -fsanitize=% -fno-sanitize-recover=all,$(CFLAGS))
endif

$(BUILD)/cli/commands/golden.o: cli/commands/golden.py
$(BUILD)/server/endpoints/dashboard.o: server/dashboard.html
$(BUILD)/server/endpoints/openapi.o: server/openapi.json

# Compiled anew when hiredis, or GnuTLS for connections to it, comes or goes: whatever names them, so
# that none is forgotten (a build before "make test" installed hiredis, and one after it, did not go together once).
WITH_REDIS := $(patsubst %.c,$(BUILD)/%,$(shell grep -lE 'HONE_(HIREDIS|GNUTLS)' $(LIB_SRCS)))
$(WITH_REDIS:%=%.o) $(WITH_REDIS:%=%.checked.o): $(BUILD)/.redis-$(subst $() ,-,$(or $(strip $(firstword $(HIREDIS)) $(GNUTLS)),none))
$(BUILD)/.redis-%:
	@mkdir -p $(@D) && rm -f $(BUILD)/.redis-* && touch $@
# And the program when libcurl, GnuTLS or what decompresses does.
$(filter-out $(BUILD)/runtime/%,$(CLI_OBJS)): $(BUILD)/.with-$(subst $() ,-,$(or $(strip $(CURL) $(GNUTLS) $(ZIPS)),none))
$(BUILD)/.with-%:
	@mkdir -p $(@D) && rm -f $(BUILD)/.with-* && touch $@

# Says which packages are missing, instead of a compiler error later.
$(BUILD)/.packages: .ci/packages
	@.ci/packages missing $(firstword $(NEEDS))
	@mkdir -p $(@D) && touch $@

# What asserts (runtime/base/assert.h), compiled once more with that, for the tests; other modes have it everywhere.
CHECKED := $(if $(filter release,$(MODE)),$(shell grep -l 'include "runtime/base/assert.h"' $(LIB_SRCS)))
$(BUILD)/%.checked.o: %.c | $(BUILD)/.packages
	@mkdir -p $(@D)
	$(call say,CC,$< (checked))
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -DHONE_ASSERT -MMD -MP -c $< -o $@

# Objects as they are, for the tests; the installed archive shows only what hone.h declares.
$(BUILD)/libhone-internal.a: $(filter-out $(CHECKED:%.c=$(BUILD)/%.o),$(LIB_OBJS)) $(CHECKED:%.c=$(BUILD)/%.checked.o)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

define archive
$(call say,AR,$@)
$(Q)$(CC) -r -nostdlib -o $(@:.a=.o) $^
$(Q)$(OBJCOPY) --localize-hidden $(@:.a=.o)
$(Q)rm -f $@ && ar rcs $@ $(@:.a=.o)
endef

$(BUILD)/libhone.a: $(LIB_OBJS)
	$(archive)

$(BUILD)/libhone.so.0: $(LIB_OBJS) | packaging/hone.map
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,-soname,libhone.so.0 -Wl,--version-script=packaging/hone.map $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The program sees what any outside program would.
$(BUILD)/hone: $(CLI_OBJS) $(BUILD)/libhone.a $(BUILD)/.malloc-$(or $(MALLOC),libc)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(PROGRAM_LIBS) $(LDLIBS)

# Linked anew with another allocator.
$(BUILD)/.malloc-%:
	@mkdir -p $(@D) && rm -f $(BUILD)/.malloc-* && touch $@

$(filter-out $(CLI_TESTS),$(TEST_BINS)): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(TEST_OBJS) $(BUILD)/libhone-internal.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka $(LDLIBS)

# The program's parts, for targets that read what the program reads; each gets those that it needs.
$(BUILD)/program.a: $(filter $(BUILD)/cli/% $(BUILD)/server/%,$(filter-out $(BUILD)/cli/main.o,$(CLI_OBJS)))
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(FUZZ_BINS): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(FUZZ_MAIN) $(BUILD)/tests/fuzz/harness.o $(TEST_OBJS) $(BUILD)/program.a $(BUILD)/libhone-internal.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka $(PROGRAM_LIBS) $(LDLIBS)

# A machine that fails on demand: in its own tests, and to be preloaded into the program. It is called before sanitizers
# are ready, so it has none of their checks.
$(BUILD)/tests/faults/shim.o: CFLAGS := $(filter-out -fsanitize=% -fno-sanitize-recover=all,$(CFLAGS)) $(if $(findstring address,$(CFLAGS)),-DFAULTS_ASAN)
$(filter $(BUILD)/tests/faults/%,$(TEST_BINS)): $(BUILD)/tests/faults/shim.o
$(BUILD)/tests/faults.so: $(BUILD)/tests/faults/shim.o
	$(call say,LD,$@)
	$(Q)$(CC) -shared $(LDFLAGS) -o $@ $^ -ldl

$(CLI_TESTS): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(filter-out $(BUILD)/cli/main.o,$(CLI_OBJS)) $(BUILD)/libhone.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(PROGRAM_LIBS) $(LDLIBS)

$(BENCH_BINS): $(BUILD)/bench/%: $(BUILD)/bench/%.o $(BUILD)/libhone-internal.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: deps
deps: ## install the Debian packages that hone needs to be built (apt-get)
	.ci/packages install $(firstword $(NEEDS)) more

.PHONY: demo
demo: ## see what it does: packages searched by meaning (DEMO=full: all of them)
	.ci/packages install build more demo
	$(MAKE) all
	HONE=$(BUILD)/hone DEMO=$(DEMO) python3 bench/demo.py

.PHONY: tests objects
tests: all $(filter $(TEST_BINS) $(FUZZ_BINS),$(TESTS)) $(if $(RUN),,$(BUILD)/tests/faults.so)
objects: $(LIB_OBJS) $(CLI_OBJS) $(TEST_OBJS) $(TEST_SRCS:%.c=$(BUILD)/%.o)

.PHONY: test
test: ## install what the tests need, build, run every test, sum up (ARCH=aarch64: emulated)
	.ci/packages install $(NEEDS) more
	$(MAKE) tests
	HONE=$(BUILD)/hone tests/run $(TOTALS:%=--add %) $(RUN:%=--with %) $(TESTS)

.PHONY: fuzz fuzz-targets
fuzz-targets: $(FUZZ_BINS)
fuzz: ## libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer (needs clang; SECONDS=20 each, TARGETS=names, JOBS=1)
	$(MAKE) MODE=fuzz CC="$(if $(filter clang%,$(notdir $(lastword $(CC)))),$(CC),clang)" fuzz-targets
	tests/fuzz/run --seconds $(or $(SECONDS),20) --jobs $(or $(JOBS),1) $(TARGETS)

.PHONY: oom
oom: $(BUILD)/tests/faults/test_memory $(BUILD)/tests/faults.so all ## every allocation of opening, computing, converting, serving, requests fails once (MODE=asan: leaks)
	HONE_FAULT_POINTS=0 $<
	HONE_FAULT_POINTS=0 HONE=$(BUILD)/hone tests/run tests/faults/test_http.py

.PHONY: sanitize
sanitize: ## the tests with AddressSanitizer and UndefinedBehaviorSanitizer
	$(MAKE) MODE=asan test

# Without the tests of threads and clocks, of what asks the machine, and of PCRE2's compiled code, which valgrind cannot read.
VALGRIND_TESTS := $(patsubst %.c,$(BUILD)/%,$(filter-out %/test_tokenizer.c %/test_thread_pool.c %/test_memory.c %/test_blas.c %/test_lost_file.c, \
                    $(wildcard tests/unit/*.c tests/unit/nn/*.c)) $(wildcard tests/server/test_head.c tests/server/test_weigh.c))
.PHONY: valgrind
valgrind: $(VALGRIND_TESTS) ## unit tests under valgrind, which sees what libraries read of freed memory (before a release)
	$(Q)for t in $^; do echo "  $$t"; HONE_CPU=scalar HONE_FUZZ_RUNS=20 valgrind -q --error-exitcode=9 $$t >/dev/null || exit 1; done

.PHONY: coverage
coverage: ## lines and branches that the tests and fuzzing's corpora run, by file and room (needs clang, llvm): build/coverage/coverage.txt
	$(MAKE) MODE=coverage CC="$(if $(filter clang%,$(notdir $(lastword $(CC)))),$(CC),clang)" tests
	tests/coverage.py $(COVER:%=--only %)

.PHONY: mutate
mutate: ## small faults put into the sources: which ones no test catches (MUTATIONS=200 SEED=1)
	.ci/packages install $(NEEDS)
	tests/mutation.py --n $(or $(MUTATIONS),200) --seed $(or $(SEED),1)

C_FILES := $(or $(shell git ls-files '*.c' '*.h' 2>/dev/null),$(shell find * -name '*.[ch]' -not -path 'build/*'))
BINDINGS := $(wildcard bindings/*/*.c)
TIDY    := $(patsubst %.c,$(BUILD)/%.tidy,$(LIB_SRCS) $(CLI_SRCS) $(BINDINGS))

.PHONY: check fmt lint warnings
check: fmt lint warnings ## formatting, static analysis, no warnings of the compiler

warnings:
	$(Q)$(MAKE) WERROR=1 BUILD=$(BUILD)/check objects

fmt: ## clang-format has nothing to change
	$(call say,FMT,)
	$(Q)clang-format --dry-run -Werror $(C_FILES)

lint: $(TIDY) $(BUILD)/share/.made ## clang-tidy, cppcheck and the manual pages: no warnings
	$(call say,LINT,cppcheck)
	$(Q)cppcheck --quiet --error-exitcode=1 --enable=warning,performance --inline-suppr --std=c11 -I. -Iruntime/include \
	  -D__GNUC__ -D__x86_64__ --suppress=memleak $(LIB_SRCS) $(CLI_SRCS) $(BINDINGS)
	$(Q)mandoc -T lint -W warning $$(grep -L '^\.so' $(BUILD)/share/man/*.[13])

$(BUILD)/%.tidy: %.c .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$<)
	$(Q)clang-tidy --quiet $< -- $(CPPFLAGS) -std=gnu11
	@touch $@

.PHONY: bench
bench: all ## what this machine can do, and how near hone comes (MODEL=FILE: a model too)
	$(BUILD)/hone bench limits
	$(BUILD)/hone bench kernels --svg $(BUILD)/roofline.svg
	$(if $(MODEL),$(BUILD)/hone bench model -m $(MODEL))
	$(if $(MODEL),HONE=$(BUILD)/hone bench/startup.py $(MODEL))

.PHONY: bench-peers
bench-peers: all ## hone beside other programs that do the same (PEERS=generate: a part)
	HONE=$(BUILD)/hone bench/peers.sh $(PEERS)

.PHONY: load-test
load-test: all ## the server under load, and a chart of it (MODEL=FILE, KIND=embed|rerank|...; SECONDS=N a run)
	HONE=$(BUILD)/hone bench/load.py $(or $(MODEL),tests/fixtures/bert-embed) $(KIND:%=--kind %) $(SECONDS:%=--seconds %) --svg $(BUILD)/load.svg

.PHONY: schemas
schemas: all tests ## 10,000 random JSON Schemas, what they allow compared with the Python package jsonschema (SEED=1)
	HONE=$(BUILD)/hone HONE_SCHEMAS=10000 HONE_SEED=$(or $(SEED),1) tests/run tests/cli/test_schema_random.py

.PHONY: soak-test
soak-test: all ## all kinds of work at once: memory, descriptors, whose reply each is (MODELS=FILES; MINUTES=5)
	HONE=$(BUILD)/hone bench/workloads.py mixed $(or $(MODELS),$(addprefix tests/fixtures/,bert-embed bert-cross causal)) \
	  --minutes $(or $(MINUTES),5)

.PHONY: chaos
chaos: all ## load while models are loaded, leave, fail and come back: each request answered, each degraded one marked (MINUTES=10)
	HONE=$(BUILD)/hone bench/chaos.py --minutes $(or $(MINUTES),10)

.PHONY: bench-operations
bench-operations: all ## first requests, deadlines, what the server's own parts cost, 100 switches under load: each with its bound (WHAT=first|...)
	HONE=$(BUILD)/hone bench/operations.py $(or $(WHAT),all) $(MODEL)

.PHONY: instructions
instructions: ## what a token costs on emulated Arm processors, in instructions (MODELS="mini.gguf ...")
	.ci/packages install build more aarch64
	$(MAKE) all
	$(MAKE) ARCH=aarch64 all
	$(CC) -O2 -shared -fPIC -DPLUGIN_VERSION=$(if $(filter 5.% 6.% 7.% 8.%,$(word 3,$(shell qemu-aarch64 --version))),1,2) -o build/instructions.so bench/instructions/count.c
	bench/instructions/run.py $(MODELS)

.PHONY: crowd
crowd: all ## 10,000 silent connections, and five minutes of clients that leave in the middle of streams
	HONE=$(BUILD)/hone HONE_CROWD=10000 HONE_LEAVING=300 python3 tests/server/test_crowd.py

.PHONY: bench-server
bench-server: all ## what the server costs, beside nginx and hone embed (MODEL=FILE: one that makes embeddings)
	.ci/packages install load
	HONE=$(BUILD)/hone bench/server.py $(or $(MODEL),tests/fixtures/bert-embed)

.PHONY: profile
profile: all ## where time and memory go, in a benchmark and in a server under load: build/profile (MODEL=FILE; SECONDS=N)
	.ci/packages install profile
	HONE=$(BUILD)/hone bench/profile.py $(or $(MODEL),tests/fixtures/bert-embed) $(BUILD)/profile $(SECONDS:%=--seconds %)

.PHONY: bench-tokenizer
bench-tokenizer: $(BUILD)/bench/tokenizer ## tokenizers beside Hugging Face's, on one thread
	BENCH=$< bench/tokenizer.sh

include packaging/targets.mk

.PHONY: clean
clean: ## remove what was built
	rm -rf build dist

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

-include $(patsubst %.o,%.d,$(LIB_OBJS) $(CHECKED:%.c=$(BUILD)/%.checked.o) $(CLI_OBJS) $(TEST_OBJS) $(TEST_SRCS:%.c=$(BUILD)/%.o) $(FUZZ_BINS:%=%.o) $(FUZZ_MAIN) $(BUILD)/tests/fuzz/harness.o $(BENCH_BINS:%=%.o) \
  $(WHEEL_OBJS:%.o=%.d) $(filter $(STATIC)/%,$(call static_objects,$(LIB_SRCS) $(CLI_SRCS))))
