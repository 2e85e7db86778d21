# reef: build, test and check. `make help` says what there is.
CC ?= cc
CFLAGS ?= -O2 -g
B ?= build
WARN = -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wvla -Wformat=2 \
       -Wstrict-prototypes -Wmissing-prototypes -Werror
ALL_CFLAGS = -std=c11 -D_POSIX_C_SOURCE=200809L -I. $(WARN) -fno-common -pthread $(CFLAGS)

LIB_SRC := $(wildcard resp/*.c config/*.c net/*.c session/*.c)
CLI_SRC := $(wildcard session/cli/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$(B)/%.o)

all: $(B)/libreef.a $(B)/reef

$(B)/libreef.a: $(LIB_OBJ)
	rm -f $@ && ar rcs $@ $^

$(B)/reef: $(CLI_OBJ) $(B)/libreef.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# One cmocka program for each file of test/unit.
$(B)/test/unit/%: $(B)/test/unit/%.o $(B)/libreef.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka

clean:
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
.PHONY: all clean
.SECONDARY:
