#include "turnbuckle/stun/opaque_string.hpp"

#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <span>

#include "turnbuckle/base/bytes.hpp"
#include "turnbuckle/stun/attribute.hpp"

namespace turnbuckle::stun {
namespace {

using CodePoints = std::span<const ucs4_t>;

struct FreeDeleter {
    void operator()(void* memory) const noexcept { std::free(memory); }
};

// What a libunistring function allocated.
template <class T>
class Converted {
public:
    template <class Convert>
    explicit Converted(Convert convert) : data_(convert(&size_)) {
        if (data_ == nullptr) throw std::bad_alloc();
    }
    [[nodiscard]] std::span<T> view() const noexcept { return {data_.get(), size_}; }

private:
    std::size_t size_ = 0;  // filled while data_ is made
    std::unique_ptr<T, FreeDeleter> data_;
};

constexpr bool is_in(ucs4_t c, ucs4_t first, ucs4_t last) noexcept {
    return c >= first && c <= last;
}

constexpr bool is_printable_ascii(char c) noexcept {
    return c >= 0x20 && c <= 0x7e;
}

constexpr bool is_arabic_indic(ucs4_t c) noexcept {
    return is_in(c, 0x0660, 0x0669);
}
constexpr bool is_extended_arabic_indic(ucs4_t c) noexcept {
    return is_in(c, 0x06f0, 0x06f9);
}

bool is_script(ucs4_t c, const char* name) noexcept {
    const uc_script_t* script = uc_script(c);
    return script != nullptr && std::string_view(script->name) == name;
}

bool is_virama(ucs4_t c) noexcept {
    return uc_combining_class(c) == UC_CCC_VR;
}

// RFC 5892 appendix A.1: a letter that joins on its right, transparent ones, the non-joiner,
// transparent ones, a letter that joins on its left.
bool joins_around(CodePoints text, std::size_t at) noexcept {
    std::size_t before = at;
    while (before > 0 && uc_joining_type(text[before - 1]) == UC_JOINING_TYPE_T)
        --before;
    if (before == 0) return false;
    const int left = uc_joining_type(text[before - 1]);
    std::size_t after = at + 1;
    while (after < text.size() && uc_joining_type(text[after]) == UC_JOINING_TYPE_T)
        ++after;
    if (after == text.size()) return false;
    const int right = uc_joining_type(text[after]);
    return (left == UC_JOINING_TYPE_L || left == UC_JOINING_TYPE_D) &&
           (right == UC_JOINING_TYPE_R || right == UC_JOINING_TYPE_D);
}

enum class Verdict : std::uint8_t { Valid, Disallowed, Contextual };

// RFC 8264 section 9.6 (from RFC 5892): decided by hand before any property is asked.
std::optional<Verdict> exception_for(ucs4_t c) noexcept {
    switch (c) {
        case 0x00df:
        case 0x03c2:
        case 0x06fd:
        case 0x06fe:
        case 0x0f0b:
        case 0x3007:
            return Verdict::Valid;
        case 0x00b7:
        case 0x0375:
        case 0x05f3:
        case 0x05f4:
        case 0x30fb:
            return Verdict::Contextual;
        case 0x0640:
        case 0x07fa:
        case 0x302e:
        case 0x302f:
        case 0x303b:
            return Verdict::Disallowed;
        default:
            break;
    }
    if (is_arabic_indic(c) || is_extended_arabic_indic(c)) return Verdict::Contextual;
    if (is_in(c, 0x3031, 0x3035)) return Verdict::Disallowed;
    return std::nullopt;
}

// RFC 8264 section 8, in its order, for the FreeformClass. Its HasCompat step decides nothing here:
// every code point with a compatibility form is also of one of the categories allowed at the end.
Verdict verdict(ucs4_t c) noexcept {
    constexpr std::uint32_t kAllowed = UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M |
                                       UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_Zs |
                                       UC_CATEGORY_MASK_S | UC_CATEGORY_MASK_P;
    if (const auto exception = exception_for(c)) return *exception;
    if (uc_is_property_join_control(c)) return Verdict::Contextual;
    const bool old_hangul_jamo =
        is_in(c, 0x1100, 0x11ff) || is_in(c, 0xa960, 0xa97c) || is_in(c, 0xd7b0, 0xd7fb);
    if (old_hangul_jamo || uc_is_property_default_ignorable_code_point(c)) {
        return Verdict::Disallowed;
    }
    // Refuses controls, unassigned, noncharacters and private use.
    return uc_is_general_category_withtable(c, kAllowed) ? Verdict::Valid : Verdict::Disallowed;
}

// RFC 5892 appendix A.
bool fits_context(CodePoints text, std::size_t at) noexcept {
    constexpr ucs4_t kNonJoiner = 0x200c;
    constexpr ucs4_t kJoiner = 0x200d;
    const ucs4_t c = text[at];
    const bool has_before = at > 0;
    const bool has_after = at + 1 < text.size();
    switch (c) {
        case kNonJoiner:
            return (has_before && is_virama(text[at - 1])) || joins_around(text, at);
        case kJoiner:
            return has_before && is_virama(text[at - 1]);
        case 0x00b7:  // the Catalan l·l
            return has_before && has_after && text[at - 1] == 'l' && text[at + 1] == 'l';
        case 0x0375:
            return has_after && is_script(text[at + 1], "Greek");
        case 0x05f3:
        case 0x05f4:
            return has_before && is_script(text[at - 1], "Hebrew");
        case 0x30fb:
            return std::ranges::any_of(text, [](ucs4_t other) {
                return is_script(other, "Hiragana") || is_script(other, "Katakana") ||
                       is_script(other, "Han");
            });
        default:
            return is_arabic_indic(c) ? std::ranges::none_of(text, is_extended_arabic_indic)
                                      : std::ranges::none_of(text, is_arabic_indic);
    }
}

bool is_freeform(CodePoints text) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const Verdict v = verdict(text[i]);
        if (v == Verdict::Disallowed) return false;
        if (v == Verdict::Contextual && !fits_context(text, i)) return false;
    }
    return true;
}

}  // namespace

std::expected<std::string, OpaqueStringError> enforce_opaque_string(std::string_view text) {
    if (text.empty()) return std::unexpected(OpaqueStringError::Empty);
    if (std::ranges::all_of(text, is_printable_ascii)) return std::string{text};
    const ByteView bytes = as_bytes(text);
    if (!is_valid_utf8(bytes)) return std::unexpected(OpaqueStringError::NotUtf8);
    const Converted<ucs4_t> decoded{[bytes](std::size_t* size) {
        return u8_to_u32(bytes.data(), bytes.size(), nullptr, size);
    }};
    if (!is_freeform(decoded.view())) return std::unexpected(OpaqueStringError::Disallowed);
    for (ucs4_t& c : decoded.view()) {
        if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Zs)) c = U' ';
    }
    const Converted<ucs4_t> composed{[&decoded](std::size_t* size) {
        return u32_normalize(UNINORM_NFC, decoded.view().data(), decoded.view().size(), nullptr,
                             size);
    }};
    // RFC 8264 section 7 judges what the mapping made: composing may take a neighbour's letter away
    // that a contextual rule asked for ("l·l" before a combining acute).
    if (!is_freeform(composed.view())) return std::unexpected(OpaqueStringError::Disallowed);
    const Converted<std::uint8_t> encoded{[&composed](std::size_t* size) {
        return u32_to_u8(composed.view().data(), composed.view().size(), nullptr, size);
    }};
    return std::string{as_text(encoded.view())};
}

}  // namespace turnbuckle::stun
