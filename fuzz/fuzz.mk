# Fuzz targets: fuzz/NAME_fuzz.c holds one LLVMFuzzerTestOneInput, and is
# linked for libFuzzer (build/fuzz), AFL++ (build/afl) and the engine-free
# replay of corpus/NAME (build/asan). Seeds and dictionaries are never written
# to: every run has a scratch directory first.

FUZZ_NAMES := $(patsubst fuzz/%_fuzz.c,%,$(sort $(wildcard fuzz/*_fuzz.c)))
FUZZ_CLANG := clang-14
FUZZ_AFL   := afl-clang-fast

# clang's -Wconversion minds assert(!"text"), which says why it cannot be.
WARN += $(if $(findstring clang,$(CC)),-Wno-string-conversion)

INC.fuzz := $(INC.oracle) -Ireference/session -Ipcap -Ifuzz -D_GNU_SOURCE

# What targets share, and the folders that they put to the test.
FUZZ_HELP := $(filter-out fuzz/replay.c %_fuzz.c,$(wildcard fuzz/*.c))
FUZZ_OBJ  := $(FUZZ_HELP:%.c=$(B)/%.o) \
             $(filter $(addprefix $(B)/reference/,requirements/% wire/% \
                      session/% oracle/%) $(B)/pcap/%,$(OBJ))
FUZZ_LIBS := -lpcap -lhttp_parser

FUZZ_ENGINES := $(FUZZ_NAMES:%=$(B)/fuzz/%_fuzz)
FUZZ_REPLAYS := $(FUZZ_NAMES:%=$(B)/fuzz/%_replay)

.PHONY: fuzz-engines fuzz-replays fuzz fuzz-gate
.SECONDARY: $(FUZZ_NAMES:%=$(B)/fuzz/%_fuzz.o)

fuzz-engines: $(FUZZ_ENGINES)
fuzz-replays: $(FUZZ_REPLAYS)

# The engine looks for values in what is tested, not in what tests it, which
# compares octet by octet: three times as many executions.
$(B)/fuzz/%.o: OPT += $(OPT_TARGET.$(MODE))
OPT_TARGET.fuzz := -fno-sanitize-coverage=trace-cmp

# Under MODE=fuzz and MODE=afl this links the engine in.
$(FUZZ_ENGINES): %: %.o $(FUZZ_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPT) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(FUZZ_LIBS)

$(FUZZ_REPLAYS): %_replay: %_fuzz.o $(B)/fuzz/replay.o $(FUZZ_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPT) $(LDFLAGS) -o $@ $^ $(FUZZ_LIBS)

INC.afl := $(INC.fuzz) -Ifuzz/afl

# AFL++ loads the targets' mutations from a library of their own, which a
# sanitizer has no part in.
FUZZ_MUTATOR := build/afl/mutator.so
FUZZ_MUTATOR_SRC := fuzz/afl/afl_mutator.c fuzz/mutators.c fuzz/http_mutator.c \
                    fuzz/script_mutator.c fuzz/session_script.c \
                    fuzz/forward_script.c fuzz/canned.c reference/wire/px.c

$(FUZZ_MUTATOR): $(FUZZ_MUTATOR_SRC) reference/wire/px.h \
                 $(wildcard fuzz/*.h fuzz/afl/*.h) $(GENERATED)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -std=c17 $(WARN) -O2 -g -shared -fPIC \
	$(INC.afl) -Wl,-Bsymbolic -o $@ $(FUZZ_MUTATOR_SRC)

-include $(wildcard $(B)/fuzz/*.d)

fuzz-build: ## build the fuzz targets for both engines and the replay
	@$(MAKE) --no-print-directory MODE=asan fuzz-replays
	@$(MAKE) --no-print-directory MODE=fuzz CC=$(FUZZ_CLANG) fuzz-engines
	@AFL_QUIET=1 AFL_USE_ASAN=1 AFL_USE_UBSAN=1 \
	$(MAKE) --no-print-directory MODE=afl CC=$(FUZZ_AFL) fuzz-engines
	@$(MAKE) --no-print-directory MODE=fuzz CC=$(FUZZ_CLANG) $(FUZZ_MUTATOR)

fuzz-replay: ## replay the corpus without an engine
	@$(MAKE) --no-print-directory MODE=asan fuzz-replays
	BUILD=build/asan tests/run.sh tests/fuzz/replay_test.sh

SMOKE_SECONDS := 3
fuzz-smoke: fuzz-build ## both engines over every target for a few seconds
	fuzz/smoke.sh $(SMOKE_SECONDS) $(FUZZ_NAMES)

# make fuzz TARGET=session SECONDS=600 ENGINE=afl
TARGET  ?= session
SECONDS ?= 60
ENGINE  ?= libfuzzer
fuzz: fuzz-build ## fuzz one target: TARGET=session SECONDS=60 ENGINE=libfuzzer|afl
	@scratch=build/runs/$(TARGET).$(ENGINE).$$(date +%s) && \
	mkdir -p $$scratch && echo "in $$scratch" && \
	core=$$(taskset -cp $$$$ | sed 's/.*: //; s/[-,].*//') && \
	fuzz/engine.sh $(ENGINE) $(TARGET) $(SECONDS) $$core $$scratch

# Is every planted mistake found? Some minutes, so no part of make test.
GATE_SECONDS := 60
fuzz-gate: ## plant mistakes and see the fuzz targets find them
	@$(MAKE) --no-print-directory MODE=fuzz CC=$(FUZZ_CLANG) fuzz-engines
	@core=$$(taskset -cp $$$$ | sed 's/.*: //; s/[-,].*//') && \
	tests/fuzz/gate.sh $(GATE_SECONDS) $$core $(sort $(wildcard tests/fuzz/planted/*.patch))
