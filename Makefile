# SPDX-License-Identifier: Apache-2.0
# reef: build, test and check. `make help` says what there is; `make` builds into $(B).
#
# Conventions: a .c file under test/unit, test/live or test/bench that has a main is a
# program of that name; the others there are helpers that each program of the folder
# may use. test/sim is one program. Each fuzz/*.c but replay.c is a fuzz harness. A test
# that names __wrap_NAME is linked with --wrap=NAME. test/tool/a_b.c with a main is the
# tool $(B)/a-b; the others there are helpers of the tools and of the unit tests.
CC ?= cc
CFLAGS ?= -O2 -g
B ?= build
PREFIX ?= /usr/local
TIME ?= 30
RUNS ?= 20
SEEDS ?= 20000
VERSION = $(or $(shell sed -n 's/^\#define REEF_VERSION "\(.*\)"/\1/p' resp/resp.h),0)
WARN = -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wvla -Wformat=2 \
       -Wstrict-prototypes -Wmissing-prototypes -Werror
ALL_CFLAGS = -std=c11 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -I. $(WARN) -fno-common -pthread $(CFLAGS)
LINK = $(CC) $(ALL_CFLAGS) $(LDFLAGS)
SUB = +@$(MAKE) --no-print-directory
# Says what is made; V=1 shows the commands.
say = @$(if $(V),set -x,echo '  $(1)  $(if $(2),$(2),$@)');

# In parallel by itself; -jN on the command line wins.
ifeq ($(MAKELEVEL),0)
ifeq (,$(filter clean,$(MAKECMDGOALS)))
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
endif

comma := ,
MAIN := ^int main[(]
mains = $(if $(wildcard $(1)),$(shell grep -lE '$(MAIN)' $(wildcard $(1))))
objects = $(patsubst %.c,$(B)/%.o,$(1))
helpers = $(call objects,$(filter-out $(call mains,$(1)),$(wildcard $(1))))

LIB_SRC := $(wildcard resp/*.c config/*.c net/*.c session/*.c)
CLI_SRC := $(wildcard session/cli/*.c)
SIM_SRC := $(wildcard test/sim/*.c)
FUZZ := $(patsubst fuzz/%.c,%,$(filter-out fuzz/replay.c,$(wildcard fuzz/*.c)))
UNIT := $(patsubst %.c,$(B)/%,$(call mains,test/unit/*.c))
LIVE := $(patsubst %.c,$(B)/%,$(call mains,test/live/*.c))
BENCH := $(patsubst %.c,$(B)/%,$(call mains,test/bench/*.c))
TOOL := $(patsubst test/tool/%.c,%,$(call mains,test/tool/*.c))
TOOLS := $(foreach tool,$(TOOL),$(B)/$(subst _,-,$(tool)))
SIM := $(if $(SIM_SRC),$(B)/test/sim/sim)
REPLAY := $(if $(wildcard fuzz/replay.c),$(FUZZ:%=$(B)/fuzz/%-replay))
SHELL_TESTS := $(wildcard test/*.test)

all: $(B)/libreef.a $(B)/reef $(TOOLS)

help:
	@echo 'all      build/libreef.a, build/reef and the tools (this is what plain make does)'
	@echo 'run      show it: a server of its own, and a tour [TOPOLOGY=sentinel|cluster: a fail-over]'
	@echo 'test     every test, on real servers too [SEED=0x.. ONLY=part-of-a-name]'
	@echo 'lint     the rules of the house, clang-format, cppcheck, gcc -fanalyzer'
	@echo 'format   clang-format on every C file'
	@echo 'one      build/one/reef.c and build/one/reef.h, the library as one file each'
	@echo 'asan     the tests under AddressSanitizer and UBSan, with leak check'
	@echo 'ubsan    the tests under UBSan alone, at -O2'
	@echo 'tsan     the tests under ThreadSanitizer'
	@echo 'sim      the simulator alone, with many worlds [SEEDS=20000]'
	@echo 'fuzz     each fuzz harness for TIME=30 seconds (clang)'
	@echo 'bench    speed and memory, side by side with hiredis, toml++ and c-ares'
	@echo 'drill    real Sentinels and Clusters struck under load, RUNS=20 of each kind, as tables'
	@echo 'cover    which lines and branches the tests reach'
	@echo 'install  into $$(DESTDIR)$$(PREFIX): library, header, command, man page, pkg-config'
	@echo 'clean    remove $(B)'

# A file of B that is made anew when the text in it is to be another: with it, objects
# follow the compiler and its flags, and archives follow the list of sources.
define stamp
ifneq "$(strip $(2))" "$(strip $(shell cat $(B)/$(1) 2>/dev/null))"
$(B)/$(1): FORCE
endif
$(B)/$(1):
	@mkdir -p $(B) && echo '$(strip $(2))' >$$@
endef
$(eval $(call stamp,flags,$(CC) $(ALL_CFLAGS) $(LDFLAGS)))
$(eval $(call stamp,sources,$(LIB_SRC) $(CLI_SRC) $(wildcard test/*/*.c)))

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<) $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

%.a: $(B)/sources
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR) $(AR) rcs $@ $(filter %.o,$^)

$(B)/libreef.a: $(call objects,$(LIB_SRC))
$(B)/cli.a: $(call objects,$(filter-out %/main.c,$(CLI_SRC)))
$(B)/test/tool/helpers.a: $(call helpers,test/tool/*.c)
$(B)/test/unit/helpers.a: $(call helpers,test/unit/*.c)
$(B)/test/live/helpers.a: $(call helpers,test/live/*.c)
$(B)/test/sim/helpers.a: $(call helpers,test/sim/*.c)
$(B)/test/bench/helpers.a: $(call helpers,test/bench/*.c)

$(B)/reef: $(call objects,$(CLI_SRC)) $(B)/libreef.a
	$(call say,LD) $(LINK) -o $@ $^

$(foreach tool,$(TOOL),$(eval $(B)/$(subst _,-,$(tool)): $(B)/test/tool/$(tool).o))
$(TOOLS): $(B)/test/tool/helpers.a $(B)/libreef.a
	$(call say,LD) $(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^)

# A test program: its object, the helpers of its folder, the command's parts, the library.
PROGRAM = $(call say,LD) $(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
          $(shell grep -ohE '__wrap_[a-z_0-9]+' $(PARTS) | sort -u | sed 's/__wrap_/-Wl,--wrap=/')
$(UNIT) $(LIVE) $(BENCH) $(SIM) $(REPLAY): PARTS = $(patsubst $(B)/%.o,%.c,$(filter %.o,$^))
$(UNIT): $(B)/test/unit/%: $(B)/test/unit/%.o $(B)/test/unit/helpers.a $(B)/test/tool/helpers.a $(B)/cli.a $(B)/libreef.a
	$(PROGRAM) -lcmocka
$(LIVE): $(B)/test/live/%: $(B)/test/live/%.o $(B)/test/live/helpers.a $(B)/test/sim/helpers.a $(B)/test/tool/helpers.a $(B)/cli.a $(B)/libreef.a
	$(PROGRAM) -lcmocka
$(SIM): $(call objects,$(SIM_SRC)) $(B)/libreef.a
	$(PROGRAM) -lcmocka
$(BENCH): $(B)/test/bench/%: $(B)/test/bench/%.o $(B)/test/bench/helpers.a $(B)/test/tool/helpers.a $(B)/libreef.a
	$(PROGRAM) -lhiredis -lresolv -ldl
$(REPLAY): $(B)/fuzz/%-replay: $(B)/fuzz/%.o $(B)/fuzz/replay.o $(B)/test/sim/helpers.a $(B)/cli.a $(B)/libreef.a
	$(PROGRAM)

run:
	@test/install build server
	$(SUB) all
	@test/demo $(B)/reef $(TOPOLOGY)

test:
	@test/install build test live lint
	$(SUB) check TESTS='$(SHELL_TESTS)'

# What `test` runs once everything is installed; the sanitizers run it without the
# shell tests, which do not look at compiled code.
check: all $(UNIT) $(LIVE) $(SIM) $(REPLAY)
	@SEED='$(SEED)' ONLY='$(ONLY)' STILL='$(STILL)' B='$(B)' test/run $(TESTS) $(LIVE) $(SIM) $(UNIT) $(REPLAY)

sanitize = @test/install build test live
san_check = $(SUB) check STILL=1 B=$(B)/$@ CFLAGS='-g -fno-omit-frame-pointer -Wno-error $(1)'
asan:
	$(sanitize)
	$(call san_check,-O1 -fsanitize=address$(comma)undefined -fno-sanitize-recover=all)
ubsan:
	$(sanitize)
	$(call san_check,-O2 -fsanitize=undefined -fno-sanitize-recover=all)
tsan:
	$(sanitize)
	$(call san_check,-O1 -fsanitize=thread)

sim: $(SIM)
	@$(SIM) --count $(SEEDS)

fuzz:
	@test/install build fuzz
	$(SUB) harnesses B=$(B)/fuzzing CC=clang CFLAGS='-O2 -g -Wno-error -fsanitize=fuzzer-no-link$(comma)address$(comma)undefined -fno-sanitize-recover=all'
	@TIME='$(TIME)' test/fuzz $(B)/fuzzing $(FUZZ)

HARNESSES := $(FUZZ:%=$(B)/fuzz/%)
harnesses: $(HARNESSES)
$(HARNESSES): $(B)/fuzz/%: $(B)/fuzz/%.o $(B)/test/sim/helpers.a $(B)/cli.a $(B)/libreef.a
	$(call say,LD) $(LINK) -fsanitize=fuzzer -o $@ $^

# toml++ and c-ares are opened while a bench runs: only their part is missing without them.
PEER := $(B)/test/bench/toml_peer.so
$(PEER): test/bench/toml_peer.cc
	@mkdir -p $(@D)
	$(call say,C++) c++ -std=c++17 -O2 -shared -fPIC -o $@ $< || echo '  no toml++: bench_toml does without'

bench:
	@test/install build bench server
	@test/install peer || echo 'a bench may have no peer'
	$(SUB) tables
tables: $(BENCH) $(PEER) $(B)/libreef.a
	@for b in $(BENCH); do $$b || exit 1; done
	@test/bench/counts $(B)/test/bench $(B)/libreef.a

drill:
	@test/install build test live
	$(SUB) $(B)/test/live/live_sentinel_drill $(B)/test/live/live_cluster_drill
	@REEF_DRILL='$(RUNS)' $(B)/test/live/live_sentinel_drill
	@REEF_DRILL='$(RUNS)' $(B)/test/live/live_cluster_drill

cover:
	@test/install build test live
	$(SUB) check B=$(B)/cover CFLAGS='-O0 -g -Wno-error --coverage'
	@test/cover $(B)/cover $(LIB_SRC) $(CLI_SRC)

lint:
	@test/install build lint
	@test/lint

format:
	@test/install lint
	$$(command -v clang-format-14 || echo clang-format) -i $(wildcard $(addsuffix *.[ch],resp/ config/ net/ session/ session/cli/ test/ test/*/ fuzz/))

one:
	@test/one $(B)/one

install: all one
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin include lib/pkgconfig share/man/man1)
	install -m 755 $(B)/reef $(DESTDIR)$(PREFIX)/bin/reef
	install -m 644 $(B)/one/reef.h $(DESTDIR)$(PREFIX)/include/reef.h
	install -m 644 $(B)/libreef.a $(DESTDIR)$(PREFIX)/lib/libreef.a
	install -m 644 session/cli/reef.1 $(DESTDIR)$(PREFIX)/share/man/man1/reef.1
	printf 'prefix=%s\n\nName: reef\nDescription: Redis and Valkey client\nVersion: %s\nCflags: -I$${prefix}/include\nLibs: -L$${prefix}/lib -lreef -pthread\n' \
	    '$(PREFIX)' '$(VERSION)' >$(DESTDIR)$(PREFIX)/lib/pkgconfig/reef.pc

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
FORCE:
.PHONY: all help run test check asan ubsan tsan sim fuzz harnesses bench tables drill cover lint format one install clean FORCE
.SECONDARY:
