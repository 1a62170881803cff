# hone: make help lists the targets.

VERSION := 0.1.0
PREFIX  ?= /usr/local
CC      ?= gcc
ARCH    ?= $(shell uname -m)
# MODE: release, debug, asan (AddressSanitizer and UndefinedBehaviorSanitizer), tsan
MODE    ?= release
BUILD   := $(if $(filter release,$(MODE)),build,build/$(MODE))

ifeq ($(ARCH),aarch64)
ifneq ($(shell uname -m),aarch64)
CC    := aarch64-linux-gnu-gcc
BUILD := $(BUILD)/aarch64
RUN   := qemu-aarch64 -L /usr/aarch64-linux-gnu
endif
endif

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Werror
CFLAGS_release := -O3 -g1
CFLAGS_debug   := -O0 -g
CFLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_tsan    := -O1 -g -fsanitize=thread
PKGS     := libutf8proc jansson openblas
CPPFLAGS += -I. -D_GNU_SOURCE $(shell pkg-config --cflags $(PKGS))
CFLAGS   += -std=gnu11 -fopenmp -fPIC -fvisibility=hidden -fno-math-errno -ffp-contract=off $(WARNINGS) $(CFLAGS_$(MODE))
LDFLAGS  += -fopenmp $(filter -fsanitize=%,$(CFLAGS_$(MODE)))
LDLIBS   += $(shell pkg-config --libs $(PKGS)) -lpthread -lm

LIB_DIRS := kernels kernels/scalar $(if $(filter x86_64,$(ARCH)),kernels/x86) $(if $(filter aarch64,$(ARCH)),kernels/arm) \
            quant tokenizer runtime runtime/models runtime/convert
LIB_SRCS := $(wildcard $(addsuffix /*.c,$(LIB_DIRS)))
CLI_SRCS := $(wildcard cli/*.c)
LIB_OBJS := $(LIB_SRCS:%.c=$(BUILD)/%.o)
CLI_OBJS := $(CLI_SRCS:%.c=$(BUILD)/%.o)

# A file of tests/kernels, tests/unit, tests/golden or tests/fuzz is one test program, but for those in tests/*.c,
# which every program gets.
TEST_SRCS  := $(wildcard tests/kernels/*.c tests/unit/*.c tests/golden/*.c tests/fuzz/*.c)
TEST_BINS  := $(TEST_SRCS:%.c=$(BUILD)/%)
TEST_OBJS  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/*.c))
BENCH_BINS := $(patsubst %.c,$(BUILD)/%,$(wildcard bench/*.c))

.PHONY: all
all: $(BUILD)/hone $(BUILD)/libhone.a $(BUILD)/libhone.so ## the release binary build/hone and the libraries

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# Objects as they are, for the tests; the installed archive shows only what hone.h declares.
$(BUILD)/libhone-internal.a: $(LIB_OBJS)
	rm -f $@ && ar rcs $@ $^

$(BUILD)/libhone.a: $(LIB_OBJS)
	ld -r -o $(BUILD)/libhone.o $^
	objcopy --localize-hidden $(BUILD)/libhone.o
	rm -f $@ && ar rcs $@ $(BUILD)/libhone.o

$(BUILD)/libhone.so: $(LIB_OBJS)
	$(CC) -shared -Wl,-soname,libhone.so.0 $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/hone: $(CLI_OBJS) $(BUILD)/libhone-internal.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(TEST_BINS): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(TEST_OBJS) $(BUILD)/libhone-internal.a
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)

$(BENCH_BINS): $(BUILD)/bench/%: $(BUILD)/bench/%.o $(BUILD)/libhone-internal.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: clean
clean: ## remove what was built
	rm -rf build

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
