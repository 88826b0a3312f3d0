# Compiles the C rooms and the drivers of this folder for this machine and for aarch64, with the
# compiler of the Swift toolchain and the flags that the Swift package manager gives it.
#
# usage: make -f Tests/CRooms/rooms.mk OUT=FOLDER SYSROOT=FOLDER
#   OUT       holds package.mk, which scripts/check-aarch64 makes of Package.swift, and takes
#             host/ and aarch64/ with an object for each source and a program for each driver
#   SYSROOT   Debian's libraries and headers for aarch64
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

# rooms, headers (of system libraries), libraries, c_standard, cxx_standard; flags.ROOM.c and
# flags.ROOM.cxx.
include $(OUT)/package.mk

# As `swift build -c release` has them, but for debug information.
common := -O2 -DSWIFT_PACKAGE=1 -fblocks -fPIC -fno-omit-frame-pointer
# Undefined behaviour ends a driver: emulators, and most processors, forgive memory that is not
# aligned. The checks of C++ classes would need a runtime.
aarch64 := --target=aarch64-linux-gnu --sysroot=$(SYSROOT) -fsanitize=undefined \
  -fno-sanitize=vptr,function -fsanitize-trap=undefined

sources := $(shell find $(rooms:%=Sources/%) -name '*.c' -o -name '*.cc' -o -name '*.cpp')
drivers := $(filter-out compare,$(basename $(notdir $(wildcard Tests/CRooms/*.c))))
flags.CRooms.c := -Wall -Wextra -Werror $(rooms:%=-ISources/%/include)

# The target's name is the second part of a path.
room = $(word 2,$(subst /, ,$<))
c_flags = $(common) -ISources/$(room)/include $(flags.$(room).c) -std=$(c_standard)
cxx_flags = $(common) -ISources/$(room)/include $(flags.$(room).cxx) -std=$(cxx_standard)

makefiles := $(MAKEFILE_LIST)

# A machine's name, its flags, and what changes with its headers.
define machine
objects.$(1) := $$(sources:%=$$(OUT)/$(1)/%.o)

$$(OUT)/$(1)/%.c.o: %.c $$(makefiles) $(3)
	@mkdir -p $$(@D)
	clang $(2) $$(c_flags) -MMD -MP -c $$< -o $$@

$$(OUT)/$(1)/%.cc.o: %.cc $$(makefiles) $(3)
	@mkdir -p $$(@D)
	clang++ $(2) $$(cxx_flags) -MMD -MP -c $$< -o $$@

$$(OUT)/$(1)/%.cpp.o: %.cpp $$(makefiles) $(3)
	@mkdir -p $$(@D)
	clang++ $(2) $$(cxx_flags) -MMD -MP -c $$< -o $$@

$$(OUT)/$(1)/%.h.checked: %.h $$(makefiles) $(3)
	@mkdir -p $$(@D)
	clang $(2) $$(c_flags) -Wall -Wextra -Werror -x c -fsyntax-only $$<
	@touch $$@

# Of the rooms, as of an archive, only what a driver needs is linked.
$$(OUT)/$(1)/%: $$(OUT)/$(1)/Tests/CRooms/%.c.o $$(objects.$(1))
	clang++ $(2) -fuse-ld=lld $$< -Wl,--start-lib $$(objects.$(1)) -Wl,--end-lib \
	  -Wl,--as-needed $$(libraries) -lpthread -lm -o $$@

all: $$(objects.$(1)) $$(headers:%=$$(OUT)/$(1)/%.checked) $$(drivers:%=$$(OUT)/$(1)/%)
-include $$(objects.$(1):.o=.d) $$(drivers:%=$$(OUT)/$(1)/Tests/CRooms/%.c.d)
endef

$(eval $(call machine,host,,))
$(eval $(call machine,aarch64,$(aarch64),$(SYSROOT)/packages))

$(OUT)/compare: $(OUT)/host/Tests/CRooms/compare.c.o
	clang $< -lm -o $@

all: $(OUT)/compare
.PHONY: all
.SECONDARY:
