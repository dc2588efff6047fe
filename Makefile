VARIANT ?= release
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g

# As many jobs as cores, unless -j is given; one at a time if a goal would remove files of another.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
ifneq ($(filter clean format,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif
.DELETE_ON_ERROR:

out := build/$(VARIANT)
comma := ,

c_files = $(wildcard server/*.[ch] server/*/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch] scripts/*.c)
templates := $(wildcard server/words/templates/*)
server_objects := $(patsubst %.c,$(out)/%.o,$(wildcard server/*.c server/*/*.c)) $(out)/server/api/openapi_json.o \
	$(out)/server/words/template_files.o
library_objects := $(filter-out $(out)/server/main.o,$(server_objects))
test_objects = $(patsubst %.c,$(out)/%.o,$(wildcard tests/$(1)/*.c tests/$(1)/*/*.c))
test_programs := $(addprefix $(out)/,unit_tests vector_tests http_tests mail_tests)
fuzz_targets := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz_programs := $(addprefix $(out)/,$(fuzz_targets))
all_test_objects := $(foreach kind,harness unit vectors http mail fuzz torture,$(call test_objects,$(kind)))

# Evaluated once and only by a recipe, because pkg-config may not be installed before scripts/setup has run. Headers
# of libraries count as system headers, so that -Werror covers this tree only.
libraries := libh2o-evloop libpq jansson openssl icu-i18n icu-uc libcurl
test_libraries := criterion
pkg_cflags = $(eval pkg_cflags := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(libraries))))$(pkg_cflags)
pkg_test_cflags = $(eval pkg_test_cflags := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(test_libraries))))$(pkg_test_cflags)
pkg_libs = $(eval pkg_libs := $(shell pkg-config --libs $(libraries)))$(pkg_libs)
pkg_test_libs = $(eval pkg_test_libs := $(shell pkg-config --libs $(test_libraries)))$(pkg_test_libs)

warnings := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wwrite-strings -Wcast-qual -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough \
	-Wnull-dereference -Wduplicated-cond -Wlogical-op
ifeq ($(VARIANT),fuzz)
# clang has libFuzzer, but not all of gcc's warnings.
CC := clang-14
warnings := $(filter-out -Wduplicated-cond -Wlogical-op,$(warnings)) -Wno-missing-field-initializers
endif
hardening_release := -D_FORTIFY_SOURCE=2 -fstack-protector-strong
hardening_fuzz := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
hardening_asan := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
cppflags := -D_GNU_SOURCE -DH2O_USE_LIBUV=0 -Iserver -Itests
cflags := -std=gnu11 -fPIE -pthread -MMD -MP $(warnings)
ldflags := -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed
ifeq ($(VARIANT),asan)
# A shared libubsan would ignore log_path beside libasan.
ldflags += -fsanitize=address,undefined -static-libubsan
endif
ifeq ($(VARIANT),fuzz)
ldflags += -fsanitize=fuzzer,address,undefined
endif

.PHONY: help
help: ## Show this list (the default)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: $(out)/accountsd ## Compile accountsd to build/accountsd
	@ln -sfn $(VARIANT)/accountsd build/accountsd

.PHONY: run
run: ## Prepare a database, serve on 127.0.0.1:8080 and print a curl line that invites somebody
	@scripts/run

.PHONY: test
test: setup-fuzz build $(test_programs) ## Run every test against a throwaway database (KEEP=1 keeps it)
	@$(MAKE) --no-print-directory VARIANT=asan build-torture
	@$(MAKE) --no-print-directory VARIANT=fuzz build-fuzz
	@scripts/test $(VARIANT)

.PHONY: asan
asan: setup-test ## Run every test under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory VARIANT=asan build-tests
	@scripts/test asan

.PHONY: fuzz
fuzz: setup-fuzz ## Fuzz every target for FUZZ_SECONDS (60); FUZZ_KEEP=1 adds inputs that reach new code to the corpus
	@$(MAKE) --no-print-directory VARIANT=fuzz build-fuzz
	@scripts/fuzz

.PHONY: soak
soak: setup-test build $(test_programs) ## Run the long forms of the tests that have one (20 minutes)
	@scripts/test $(VARIANT) --soak

.PHONY: mutate
mutate: setup-test build $(test_programs) ## Make each mistake of tests/mutate in a copy, and check that tests detect it (half an hour)
	@scripts/mutate

.PHONY: bench
bench: setup-bench build ## Measure against the yardsticks: a table, tests/bench/result.json and a plot (15 minutes)
	@scripts/bench

.PHONY: bench-quick
bench-quick: setup-bench build ## The same as bench with less data and fewer rounds (2 minutes)
	@scripts/bench --quick

.PHONY: lint
lint: setup-lint ## Check formatting, run static analysis on C files and scripts
	@scripts/lint -- $(cppflags) $(pkg_cflags) $(pkg_test_cflags)

.PHONY: format
format: setup-lint ## Format C files
	@clang-format -i $(c_files)

# The tables are committed, so that they do not depend on the version of ICU on a machine.
.PHONY: unicode
unicode: setup-run ## Generate the character tables that C and SQL share
	@mkdir -p $(out)
	@$(CC) $(cflags) $(CFLAGS) -o $(out)/unicode_tables scripts/unicode_tables.c $(pkg_cflags) $(pkg_libs)
	@$(out)/unicode_tables >server/base/unicode_tables.h
	@$(out)/unicode_tables texts >sql/internal/texts/unicode_texts.sql
	@$(out)/unicode_tables domains >sql/internal/texts/unicode_domains.sql

.PHONY: install
install: build ## Install below PREFIX (/usr/local) and DESTDIR
	install -D -m 755 $(out)/accountsd $(DESTDIR)$(PREFIX)/bin/accountsd
	find sql migrations -type f -exec install -D -m 644 {} $(DESTDIR)$(PREFIX)/share/accountsd/{} \;

.PHONY: clean
clean: ## Remove build/ (.local, with the data of make run, stays)
	rm -rf build

# Each stage installs after the one before; nothing is rebuilt because of them.
.PHONY: setup-run setup-test setup-fuzz setup-bench setup-lint
setup-run:
	@scripts/setup run
setup-test: setup-run
	@scripts/setup test
setup-fuzz: setup-test
	@scripts/setup fuzz
setup-bench: setup-test
	@scripts/setup bench
setup-lint: setup-test
	@scripts/setup lint

.PHONY: build-torture
build-torture: $(out)/torture_tests $(out)/accountsd_torture

.PHONY: build-fuzz
build-fuzz: $(fuzz_programs)

.PHONY: build-tests
build-tests: $(out)/accountsd $(test_programs)

$(out)/accountsd: $(out)/server/main.o $(out)/libaccountsd.a
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) $(ldflags) -o $@ $^ $(pkg_libs)

# Created anew, so that objects whose source was deleted are dropped.
$(out)/libaccountsd.a: $(library_objects)
	@echo "  AR  $@"
	@rm -f $@ && $(AR) rcs $@ $^

# A server whose library calls fail when a test asks for it (tests/torture/faults.c).
torture_wrapped := connectStartParams connectPoll sendQuery sendPrepare setnonblocking socket sendQueryPrepared \
	sendQueryParams flush consumeInput getResult
$(out)/accountsd_torture: $(out)/server/main.o $(out)/tests/torture/faults.o $(out)/libaccountsd.a
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) $(ldflags) $(addprefix -Wl$(comma)--wrap=PQ,$(torture_wrapped)) \
		-Wl$(comma)--wrap=pthread_create -o $@ $^ $(pkg_libs)

$(out)/torture_tests: $(filter-out %/faults.o,$(call test_objects,torture)) $(addprefix $(out)/tests/mail/,mails.o sink.o sink_smtp.o)
$(out)/unit_tests: $(call test_objects,unit)
$(out)/vector_tests: $(call test_objects,vectors)
$(out)/http_tests: $(call test_objects,http)
$(out)/mail_tests: $(call test_objects,mail)
$(addprefix $(out)/,http_tests mail_tests torture_tests): $(call test_objects,harness)
$(test_programs) $(out)/torture_tests: $(out)/libaccountsd.a
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) $(ldflags) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(pkg_libs) $(pkg_test_libs)

$(fuzz_programs): $(out)/%: $(out)/tests/fuzz/fuzz_%.o $(out)/tests/fuzz/fuzz.o $(out)/libaccountsd.a
	@echo "  LD  $@"
	@$(CC) $(LDFLAGS) $(ldflags) -o $@ $^ $(pkg_libs)

$(server_objects): | setup-run
$(all_test_objects): | setup-test
# Runs before the sanitizers are initialised.
$(out)/tests/torture/faults.o: hardening_asan :=
$(all_test_objects): more_cflags = $(pkg_test_cflags)
define compile
	@echo "  CC  $<"
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(cppflags) $(pkg_cflags) $(more_cflags) $(CFLAGS) $(cflags) $(hardening_$(VARIANT)) -c -o $@ $<
endef
$(out)/%.o: %.c Makefile
	$(compile)
$(out)/%.o: $(out)/%.c Makefile
	$(compile)

# The bytes of a file as signed numbers for an array of char. A NUL follows.
bytes = LC_ALL=C od -An -v -td1 $(1) | sed 's/[0-9][0-9]*/&,/g'

$(out)/server/api/openapi_json.c: server/api/openapi.json Makefile
	@mkdir -p $(@D)
	@{ printf '#include "api/openapi.h"\nconst char openapi_json[] = {\n'; \
		$(call bytes,$<); \
		printf '0};\nconst size_t openapi_json_len = sizeof(openapi_json) - 1;\n'; } >$@

# The folder is newer when a file was added or removed.
$(out)/server/words/template_files.c: $(templates) server/words/templates Makefile
	@mkdir -p $(@D)
	@{ printf '#include "words/template_files.h"\nconst struct template_file template_files[] = {\n'; \
		for file in $(templates); do \
			printf '{"%s", (const char[]){\n' "$${file##*/}"; $(call bytes,"$$file"); printf '0}},\n'; \
		done; \
		printf '};\nconst size_t template_file_count = %d;\n' $(words $(templates)); } >$@

-include $(server_objects:.o=.d) $(all_test_objects:.o=.d)
