# What people and CI call.

.PHONY: help deps demo test unit scripts check-pure lint selftest thirdparty \
        install uninstall clean fuzz-build fuzz-replay fuzz-smoke

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort | expand -t 16

deps: ## install the packages that building and testing needs
	@sh tests/deps.sh build test proxies npm clients

# The two commands of the README: each installs what is missing first, in a
# make of its own, so that pkg-config is asked when it can answer.
demo: ## build, test the embedded reference with everything, print the report
	@sh tests/deps.sh build
	@$(MAKE) $(IN_PARALLEL) MODE=release all
	build/release/proxyspec test

test: ## build with sanitizers and run every test
	@sh tests/deps.sh build test proxies npm clients
	@$(MAKE) $(IN_PARALLEL) MODE=asan all test-programs check-pure
	@$(MAKE) $(IN_PARALLEL) MODE=release all
	@$(MAKE) $(IN_PARALLEL) fuzz-build
	@$(MAKE) --no-print-directory MODE=asan test-all

# As many compilers at once as there are processors, unless -j says otherwise.
IN_PARALLEL = --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: test-programs test-all
test-programs: $(TEST_BIN)

# The scripts first: the longest of them must not begin last. One more at a time
# than there are processors, since scripts mostly wait.
test-all: $(BIN) $(TEST_BIN)
	PROXYSPEC=$(B)/proxyspec PROXYSPEC_RELEASE=build/release/proxyspec \
	BUILD=$(B) tests/run.sh -t 600 -j $$(($$(nproc) + 1)) $(TEST_SCRIPTS) $(TEST_BIN)

unit: $(TEST_BIN) ## build and run the unit tests only
	tests/run.sh $(TEST_BIN)

# reference/{wire,session,oracle} have no I/O, clock, heap or randomness.
PURE      := $(filter $(addprefix $(B)/reference/,requirements/% wire/% session/% oracle/%),$(OBJ))
IMPURE    := (read|write|recv\w*|send\w*|connect|socket|poll|time|clock_\w+|gettimeofday|\w*alloc|free|rand\w*|uv_\w+|lua_\w+|pcap_\w+|open|fopen|printf|puts|exit)
check-pure: $(PURE) ## no system call, heap or clock in the pure folders
	@! nm -u $(PURE) | grep -wE 'U $(IMPURE)'

selftest: $(BIN) ## faults x scenarios: the kill matrix
	$(BIN) selftest

# PROXIES names some of them; all of them take minutes.
thirdparty: ## judge the proxies of the distribution (needs root)
	@sh tests/deps.sh build proxies npm
	@$(MAKE) $(IN_PARALLEL) MODE=release all
	@sh tests/npm.sh proxy-chain 3.0.1
	@sh tests/npm.sh @heroku/socksv5 0.0.9
	@sh tests/npm.sh simple-socks 3.6.0
	PROXYSPEC=build/release/proxyspec tests/thirdparty/run.sh $(PROXIES)

# The flags are not quoted: the shell splits them and reads their own quotes.
lint: $(GENERATED) ## format, clang-tidy, cppcheck, syntax of Lua and shell
	@sh tests/lint.sh $(INC.harness) -Ifuzz -Ifuzz/afl -Itests

DESTDIR ?=
install: ## install the release build under PREFIX
	@$(MAKE) --no-print-directory MODE=release all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 build/release/proxyspec $(DESTDIR)$(PREFIX)/bin/proxyspec
	install -m 644 man/proxyspec.1 $(DESTDIR)$(PREFIX)/share/man/man1/proxyspec.1

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/proxyspec $(DESTDIR)$(PREFIX)/share/man/man1/proxyspec.1

clean: ## remove everything that was built
	rm -rf build
