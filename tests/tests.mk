# Unit tests: tests/FOLDER/NAME_test.c is one cmocka program, linked with the
# library. `make unit` builds and runs them all.

TEST_SRC := $(wildcard tests/*/*_test.c)
TEST_BIN := $(TEST_SRC:%.c=$(B)/%)

# Tests see every folder; the allocator is wrapped so that they can fail it and
# count what it holds (tests/alloc.h).
WRAP := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=free

TEST_HELP     := $(wildcard tests/*.c tests/*/*_rows.c)
TEST_HELP_OBJ := $(TEST_HELP:%.c=$(B)/%.o)

$(B)/tests/%.o: tests/%.c | $(GENERATED)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(INC.tests) -MMD -MP -c -o $@ $<

$(TEST_BIN): %: %.o $(TEST_HELP_OBJ) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPT) $(LDFLAGS) $(WRAP) -o $@ $(filter-out $(LIB),$^) $(LIB) $(LIBS) -lcmocka

# What fuzz targets share is no part of the library.
$(B)/tests/fuzz/%.o: INC.tests += -Ifuzz -Ifuzz/afl
$(B)/tests/fuzz/mutator_test: $(addprefix $(B)/fuzz/,mutators.o http_mutator.o \
    script_mutator.o session_script.o forward_script.o canned.o \
    afl/afl_mutator.o)

-include $(TEST_BIN:=.d) $(TEST_HELP_OBJ:.o=.d)

# Everything else that is a test: shell programs that print TAP lines.
TEST_SCRIPTS := $(wildcard tests/*/*_test.sh)
