// SPDX-License-Identifier: Apache-2.0
//
// The peer of bench_toml: toml++, behind four C functions. An object of its own that
// bench_toml opens when it is there, so that the bench needs no C++.
#define TOML_EXCEPTIONS 0
#include <string_view>
#include <toml++/toml.h>

#define PEER_TEXT(x) PEER_TEXT_(x)
#define PEER_TEXT_(x) #x

extern "C" {

const char *toml_peer_name()
{
    return "toml++ " PEER_TEXT(TOML_LIB_MAJOR) "." PEER_TEXT(TOML_LIB_MINOR);
}

// The document as a tree; NULL: it was refused.
void *toml_peer_parse(const char *text, std::size_t len)
{
    auto *result = new toml::parse_result(toml::parse(std::string_view(text, len)));
    if (*result)
        return result;
    delete result;
    return nullptr;
}

void toml_peer_free(void *tree)
{
    delete static_cast<toml::parse_result *>(tree);
}
}
