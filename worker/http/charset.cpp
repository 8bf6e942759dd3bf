#include "http/charset.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "http/header_value.h"

namespace locust::http {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf";

struct Encoding {
  std::string_view name;   // its letters and digits, in lower case
  std::string_view iconv;  // "8", "1" and "7": decoded here, as UTF-8, Latin-1 and ASCII
};

// What Python or a browser knows and servers send. No other name reaches iconv, which loads a
// library for each.
constexpr Encoding kEncodings[] = {
    {"utf8", "8"},
    {"u8", "8"},
    {"utf8sig", "8"},
    {"iso88591", "1"},
    {"latin1", "1"},
    {"l1", "1"},
    {"iso885911987", "1"},
    {"cp819", "1"},
    {"ascii", "7"},
    {"usascii", "7"},
    {"ansix341968", "7"},
    {"iso88592", "ISO-8859-2"},
    {"latin2", "ISO-8859-2"},
    {"iso88593", "ISO-8859-3"},
    {"iso88594", "ISO-8859-4"},
    {"iso88595", "ISO-8859-5"},
    {"cyrillic", "ISO-8859-5"},
    {"iso88596", "ISO-8859-6"},
    {"arabic", "ISO-8859-6"},
    {"iso88597", "ISO-8859-7"},
    {"greek", "ISO-8859-7"},
    {"iso88598", "ISO-8859-8"},
    {"hebrew", "ISO-8859-8"},
    {"iso88598i", "ISO-8859-8"},
    {"iso88599", "ISO-8859-9"},
    {"latin5", "ISO-8859-9"},
    {"iso885910", "ISO-8859-10"},
    {"iso885911", "ISO-8859-11"},
    {"iso885913", "ISO-8859-13"},
    {"iso885914", "ISO-8859-14"},
    {"iso885915", "ISO-8859-15"},
    {"latin9", "ISO-8859-15"},
    {"iso885916", "ISO-8859-16"},
    {"windows1250", "CP1250"},
    {"cp1250", "CP1250"},
    {"windows1251", "CP1251"},
    {"cp1251", "CP1251"},
    {"windows1252", "CP1252"},
    {"cp1252", "CP1252"},
    {"windows1253", "CP1253"},
    {"cp1253", "CP1253"},
    {"windows1254", "CP1254"},
    {"cp1254", "CP1254"},
    {"windows1255", "CP1255"},
    {"cp1255", "CP1255"},
    {"windows1256", "CP1256"},
    {"cp1256", "CP1256"},
    {"windows1257", "CP1257"},
    {"cp1257", "CP1257"},
    {"windows1258", "CP1258"},
    {"cp1258", "CP1258"},
    {"cp437", "CP437"},
    {"ibm437", "CP437"},
    {"cp850", "CP850"},
    {"ibm850", "CP850"},
    {"cp866", "CP866"},
    {"ibm866", "CP866"},
    {"windows874", "CP874"},
    {"cp874", "CP874"},
    {"tis620", "ISO-8859-11"},
    {"koi8r", "KOI8-R"},
    {"koi8u", "KOI8-U"},
    {"macintosh", "MACINTOSH"},
    {"macroman", "MACINTOSH"},
    {"shiftjis", "SHIFT_JIS"},
    {"sjis", "SHIFT_JIS"},
    {"xsjis", "CP932"},
    {"cp932", "CP932"},
    {"ms932", "CP932"},
    {"windows31j", "CP932"},
    {"eucjp", "EUC-JP"},
    {"iso2022jp", "ISO-2022-JP"},
    {"euckr", "EUC-KR"},
    {"ksc5601", "EUC-KR"},
    {"ksc56011987", "EUC-KR"},
    {"cp949", "CP949"},
    {"uhc", "CP949"},
    {"gb2312", "EUC-CN"},
    {"euccn", "EUC-CN"},
    {"gbk", "GBK"},
    {"cp936", "GBK"},
    {"gb18030", "GB18030"},
    {"big5", "BIG5-HKSCS"},
    {"big5hkscs", "BIG5-HKSCS"},
    {"utf7", "UTF-7"},
    {"utf16", "UTF-16"},
    {"utf16le", "UTF-16LE"},
    {"utf16be", "UTF-16BE"},
    {"utf32", "UTF-32"},
    {"utf32le", "UTF-32LE"},
    {"utf32be", "UTF-32BE"},
};

const Encoding* find_encoding(std::string_view name) {
  std::string key;
  for (const char c : to_lower_ascii(name)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) key += c;
  }
  const auto* found = std::find_if(std::begin(kEncodings), std::end(kEncodings),
                                   [&](const Encoding& each) { return each.name == key; });
  return found == std::end(kEncodings) ? nullptr : found;
}

// glibc reads two bytes of Shift_JIS as the signs that once stood in ASCII's place. Nothing else
// becomes these signs, so they can be put back.
std::string with_ascii_signs(std::string text) {
  for (const auto& [sign, ascii] : {std::pair("\xc2\xa5", '\\'), std::pair("\xe2\x80\xbe", '~')}) {
    const std::string_view found(sign);
    for (auto at = text.find(found); at != std::string::npos; at = text.find(found, at + 1)) {
      text.replace(at, found.size(), 1, ascii);
    }
  }
  return text;
}

std::string decode_bytes(std::string_view body, bool ascii) {
  std::string result;
  result.reserve(body.size() + body.size() / 8);
  for (const char c : body) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      result += c;
    } else if (ascii) {
      result += kReplacement;
    } else {
      result += static_cast<char>(0xc0U | byte >> 6U);
      result += static_cast<char>(0x80U | (byte & 0x3fU));
    }
  }
  return result;
}

class Converter {
 public:
  explicit Converter(std::string_view from)
      : handle_(iconv_open("UTF-8", std::string(from).c_str())) {
    holds_last_character_ = from == "CP1255" || from == "CP1258" || from == "BIG5-HKSCS";
    if (from.starts_with("UTF-16")) unit_ = 2;
    if (from.starts_with("UTF-32")) unit_ = 4;
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  ~Converter() {
    if (ok()) iconv_close(handle_);
  }

  bool ok() const { return handle_ != reinterpret_cast<iconv_t>(-1); }

  std::string decode(std::string_view body) {
    std::string result;
    result.reserve(body.size() + body.size() / 8);
    char* in = const_cast<char*>(body.data());
    std::size_t left = body.size();
    while (left > 0 && !convert(&in, &left, result)) {
      const std::size_t skipped = errno == EINVAL ? left : std::min(unit_, left);
      if (holds_last_character_) convert(nullptr, nullptr, result);
      result += kReplacement;
      in += skipped;
      left -= skipped;
    }
    convert(nullptr, nullptr, result);  // what a stateful encoding still holds
    return result;
  }

 private:
  // False, and errno set, at bytes that are no character or end within one.
  bool convert(char** in, std::size_t* left, std::string& result) {
    std::array<char, 4096> chunk;
    while (true) {
      char* out = chunk.data();
      std::size_t space = chunk.size();
      const std::size_t converted = iconv(handle_, in, left, &out, &space);
      const int error = errno;
      result.append(chunk.data(), chunk.size() - space);
      if (converted != static_cast<std::size_t>(-1)) return true;
      errno = error;
      if (error != E2BIG) return false;
    }
  }

  iconv_t handle_;
  bool holds_last_character_ = false;  // until it knows that nothing combines with it
  std::size_t unit_ = 1;               // bytes to skip where there is no character
};

}  // namespace

std::string encoding_from_content_type(std::string_view content_type) {
  const HeaderValue type = parse_header_value(content_type);
  std::string_view charset;
  bool named = false;
  for (const auto& [name, value] : type.parameters) {
    if (name != "charset") continue;
    charset = value;
    named = true;
  }
  if (named) {
    constexpr std::string_view kAround = "\"' ";
    const auto start = std::min(charset.find_first_not_of(kAround), charset.size());
    return std::string(charset.substr(start, charset.find_last_not_of(kAround) + 1 - start));
  }
  if (type.value.find("text") != std::string::npos) return "ISO-8859-1";
  return type.value.find("application/json") != std::string::npos ? "utf-8" : "";
}

std::string guess_encoding(std::string_view body) {
  if (body.starts_with(kUtf8Mark)) return "utf-8-sig";
  if (body.starts_with(std::string_view("\xff\xfe\0\0", 4)) ||
      body.starts_with(std::string_view("\0\0\xfe\xff", 4))) {
    return "utf-32";
  }
  if (body.starts_with("\xff\xfe") || body.starts_with("\xfe\xff")) return "utf-16";
  return is_utf8(body) ? "utf-8" : "windows-1252";
}

bool is_known_encoding(std::string_view name) { return find_encoding(name) != nullptr; }

std::string decode_text(std::string_view body, std::string_view encoding) {
  const Encoding* found = find_encoding(encoding);
  if (found != nullptr && found->name == "utf8sig" && body.starts_with(kUtf8Mark)) {
    body.remove_prefix(kUtf8Mark.size());
  }
  if (found == nullptr || found->iconv == "8") return sanitize_utf8(body);
  if (found->iconv == "1" || found->iconv == "7") return decode_bytes(body, found->iconv == "7");
  Converter converter(found->iconv);
  if (!converter.ok()) return sanitize_utf8(body);
  std::string text = converter.decode(body);
  return found->iconv == "SHIFT_JIS" ? with_ascii_signs(std::move(text)) : text;
}

std::string text_of(std::string_view body, std::string_view content_type) {
  std::string encoding = encoding_from_content_type(content_type);
  if (encoding.empty()) encoding = guess_encoding(body);
  return decode_text(body, encoding);
}

}  // namespace locust::http
