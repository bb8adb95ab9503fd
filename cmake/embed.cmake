# headwise_embed(<text file> <C symbol> <C file>): a C file that defines the text as a NUL-terminated
# array of char, made anew when the text changes.
function(headwise_embed text symbol source)
    file(READ ${text} bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(REGEX REPLACE "((0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,))" "\\1\n" bytes "${bytes}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${text})
    file(CONFIGURE OUTPUT ${source}
        CONTENT "extern const char ${symbol}[];\nconst char ${symbol}[] = {\n${bytes}0x00\n};\n")
endfunction()
