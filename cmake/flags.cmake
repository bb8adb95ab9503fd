# Compiler and linker flags of everything here, as interface targets: headwise_flags, and without the
# sanitizers headwise_plain_flags.
#
# Results must not depend on the compiler's liberties: no -ffast-math, no contraction into fused
# multiply-adds behind the source's back, no -march=native.
add_library(headwise_plain_flags INTERFACE)
add_library(headwise_flags INTERFACE)
target_link_libraries(headwise_flags INTERFACE headwise_plain_flags)

target_compile_definitions(headwise_plain_flags INTERFACE _GNU_SOURCE)
target_compile_options(headwise_plain_flags INTERFACE
    -ffp-contract=off
    -fstack-protector-strong
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wvla
    $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized> # at -O3 it does not see through HW_TRY
    $<$<BOOL:${HEADWISE_WERROR}>:-Werror>)
target_link_options(headwise_plain_flags INTERFACE LINKER:-z,relro,-z,now,-z,noexecstack)

if(HEADWISE_SANITIZE)
    target_compile_options(headwise_flags INTERFACE
        -fsanitize=${HEADWISE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(headwise_flags INTERFACE -fsanitize=${HEADWISE_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    # Needs optimisation, and sanitizers do its work better.
    target_compile_options(headwise_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(HEADWISE_FUZZ)
    target_compile_options(headwise_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
