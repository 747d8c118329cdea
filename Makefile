# proxyspec. `make demo` and `make test` are all a newcomer needs; `make help`
# lists the rest.

MODE    ?= asan
B       := build/$(MODE)
CC      ?= cc
PREFIX  ?= /usr/local
VERSION := 0.1.0

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wformat=2 -Wvla \
        -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum
ifdef CI
WARN += -Werror
endif
OPT.asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
               -fno-sanitize-recover=all
OPT.release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
OPT.plain   := -O1 -g
OPT.fuzz    := $(OPT.asan) -fsanitize=fuzzer-no-link
OPT.afl     := -O2 -g
OPT         := $(OPT.$(MODE))

# Lazy, since `make deps` may install what pkg-config is asked about.
LUA_CFLAGS = $(shell pkg-config --cflags lua5.4)
LIBS       = $(shell pkg-config --libs lua5.4 libuv jansson openssl libcurl) -lpcap -lm

SRC  := $(wildcard reference/*/*.c reference/server/faults/*.c pcap/*.c \
                   harness/*/*.c)
MAIN := harness/cli/main.c
OBJ  := $(SRC:%.c=$(B)/%.o)
LIB  := $(B)/libproxyspec.a
BIN  := $(B)/proxyspec

# The include path is the layer rule, one line a folder: what a folder may not
# use, it cannot find.
GEN              := $(B)/gen
INC.requirements := -I$(GEN)/requirements -Ireference/requirements
INC.wire         := $(INC.requirements) -Ireference/wire
INC.session      := $(INC.wire) -Ireference/session
INC.oracle       := $(INC.wire) -Ireference/oracle
INC.server       := $(INC.session) -I$(GEN)/server -Ireference/server -D_GNU_SOURCE
INC.faults       := $(INC.session) -I$(GEN)/server -Ireference/server -D_GNU_SOURCE
INC.pcap         := $(INC.oracle) -Ipcap -D_GNU_SOURCE
INC.harness      := $(INC.server) -Ireference/oracle -Ipcap -I$(GEN)/harness \
                    -Iharness/runner -Iharness/script -Iharness/network \
                    -Iharness/report \
                    -Iharness/cli -Iharness/bench -D_GNU_SOURCE $(LUA_CFLAGS) \
                    -DPROXYSPEC_VERSION='"$(VERSION)"'
INC.cli          := $(INC.harness)
INC.bench        := $(INC.harness)
INC.runner       := $(INC.harness)
INC.script       := $(INC.harness)
INC.report       := $(INC.harness)
INC.network      := $(INC.wire) -Iharness/network -D_GNU_SOURCE
INC.tests        := $(INC.harness) -Itests
folder = $(notdir $(patsubst %/,%,$(dir $<)))

# Short lines unless V=1.
Q = @
say = @printf '  %-5s %s\n' $(1) $(2);
ifdef V
Q =
say =
endif

CFLAGS_ALL = -std=c17 $(WARN) $(OPT) $(CFLAGS)

.DEFAULT_GOAL := all
.PHONY: all
all: $(BIN) ## build build/MODE/proxyspec (MODE=asan, release)

# Sources made from data: the catalogue's table, the Lua files that the
# program carries inside itself.
CATALOGUE := reference/requirements/catalogue.tsv
GENERATED := $(GEN)/requirements/requirement_ids.h \
             $(GEN)/requirements/requirement_rows.h \
             $(GEN)/server/fault_themes.h $(GEN)/harness/embedded_files.h
LUA_FILES := $(shell find harness -type f \( -name '*.lua' -o -name '*.conf' \
                     -o -name '*.tsv' \) | LC_ALL=C sort)

$(GEN)/requirements/requirement_ids.h: $(CATALOGUE) reference/requirements/generate.awk
	@mkdir -p $(@D)
	$(Q)awk -f reference/requirements/generate.awk -v part=ids $< > $@.part && mv $@.part $@

$(GEN)/requirements/requirement_rows.h: $(CATALOGUE) reference/requirements/generate.awk
	@mkdir -p $(@D)
	$(Q)awk -f reference/requirements/generate.awk -v part=rows $< > $@.part && mv $@.part $@

# The faults of every file in their folder: one line a theme, in the order of
# the files.
FAULT_FILES := $(sort $(wildcard reference/server/faults/*.c))
$(GEN)/server/fault_themes.h: $(FAULT_FILES) FORCE
	@mkdir -p $(@D)
	@sed -n 's/^const struct fault_theme \([a-z0-9_]*\) .*/THEME(\1)/p' $(FAULT_FILES) > $@.part
	@cmp -s $@.part $@ && rm -f $@.part || mv $@.part $@

# Names the files, so that one that went away is noticed too.
$(GEN)/harness/embedded_files.list: FORCE
	@mkdir -p $(@D)
	@echo $(LUA_FILES) | cmp -s - $@ || echo $(LUA_FILES) > $@
.PHONY: FORCE
FORCE:

$(GEN)/harness/embedded_files.h: harness/script/embed.sh $(LUA_FILES) \
                                 $(GEN)/harness/embedded_files.list
	@mkdir -p $(@D)
	$(Q)sh harness/script/embed.sh $(LUA_FILES) > $@.part && mv $@.part $@

$(B)/%.o: %.c | $(GENERATED)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(INC.$(folder)) -MMD -MP -c -o $@ $<

-include $(OBJ:.o=.d)

$(LIB): $(filter-out $(MAIN:%.c=$(B)/%.o),$(OBJ))
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BIN): $(MAIN:%.c=$(B)/%.o) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPT) $(LDFLAGS) -o $@ $^ $(LIBS)

include tests/tests.mk
include fuzz/fuzz.mk
-include house.mk
