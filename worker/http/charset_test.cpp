// Expected texts: what Python 3.11's bytes.decode(errors="replace") and requests 2.34's
// get_encoding_from_headers give for the same.
#include "http/charset.h"

#include <gtest/gtest.h>

namespace locust::http {
namespace {

TEST(Charset, ComesFromTheContentType) {
  EXPECT_EQ(encoding_from_content_type("text/html; charset=\"utf-8\""), "utf-8");
  EXPECT_EQ(encoding_from_content_type("text/html; Charset='KOI8-R' ; q=1"), "KOI8-R");
  EXPECT_EQ(encoding_from_content_type("text/html; charset=a; charset=b"), "b");
  EXPECT_EQ(encoding_from_content_type("text/html"), "ISO-8859-1");
  EXPECT_EQ(encoding_from_content_type("application/vnd.text"), "ISO-8859-1");
  EXPECT_EQ(encoding_from_content_type("application/json"), "utf-8");
  EXPECT_EQ(encoding_from_content_type("application/json;charset=latin1"), "latin1");
  EXPECT_EQ(encoding_from_content_type("Text/html"), "");
  EXPECT_EQ(encoding_from_content_type("image/png"), "");
  EXPECT_EQ(encoding_from_content_type("text/html; charset="), "");
  EXPECT_EQ(encoding_from_content_type("text/html; charset=' '"), "");
  EXPECT_EQ(encoding_from_content_type(""), "");
}

TEST(Charset, IsGuessedWhereThereIsNone) {
  EXPECT_EQ(guess_encoding(""), "utf-8");
  EXPECT_EQ(guess_encoding("\xc3\xa9t\xc3\xa9"), "utf-8");
  EXPECT_EQ(guess_encoding("\xef\xbb\xbf"
                           "abc"),
            "utf-8-sig");
  EXPECT_EQ(guess_encoding(std::string_view("\xff\xfeh\0i\0", 6)), "utf-16");
  EXPECT_EQ(guess_encoding(std::string_view("\xff\xfe\0\0h\0\0\0", 8)), "utf-32");
  EXPECT_EQ(guess_encoding("\x93quoted\x94"), "windows-1252");
}

TEST(Charset, DecodesAsPython) {
  const std::string_view bytes(
      "\x82\xa0\xe9"
      "a\x81");
  EXPECT_EQ(decode_text(bytes, "utf8"), "���a�");
  EXPECT_EQ(decode_text(bytes, "UTF_8"), "���a�");
  EXPECT_EQ(decode_text(bytes, "us-ascii"), "���a�");
  EXPECT_EQ(decode_text(bytes, "latin1"), "\xc2\x82\xc2\xa0éa\xc2\x81");
  EXPECT_EQ(decode_text(bytes, "ISO_8859-1:1987"), "\xc2\x82\xc2\xa0éa\xc2\x81");
  EXPECT_EQ(decode_text(bytes, "cp1252"), "‚\xc2\xa0éa�");
  EXPECT_EQ(decode_text("\x80\x81\x93", "windows-1252"), "€�“");
  EXPECT_EQ(decode_text(bytes, "Shift-JIS"), "あ饌�");
  EXPECT_EQ(decode_text("\xb0\xa1\xff"
                        "a\xb0",
                        "euc-kr"),
            "가�a�");
  EXPECT_EQ(decode_text("{\"a\\n~\": \"\x82\xa0\"}", "shift_jis"), "{\"a\\n~\": \"あ\"}");
  EXPECT_EQ(decode_text("\xf8\x9c", "cp1255"), "ר�");
  EXPECT_EQ(decode_text(bytes, "gbk"), "偁閍�");
  EXPECT_EQ(decode_text(bytes, "koi8-r"), "┌═Иa│");
  EXPECT_EQ(decode_text(bytes, "macroman"), "Ç†ÈaÅ");
  EXPECT_EQ(decode_text(bytes, "cp949"), "궇�a�");
  EXPECT_EQ(decode_text(bytes, "utf-16le"), "ꂂ懩�");
  EXPECT_EQ(decode_text(std::string_view("\xff\xfeh\0i\0", 6), "utf-16"), "hi");
  EXPECT_EQ(decode_text(std::string_view("\x00\xd8x\0", 4), "utf-16-le"), "�x");
  EXPECT_EQ(decode_text("\xef\xbb\xbf"
                        "abc",
                        "utf-8-sig"),
            "abc");
  EXPECT_EQ(decode_text("\xef\xbb\xbf"
                        "abc",
                        "utf-8"),
            "\xef\xbb\xbf"
            "abc");
  EXPECT_EQ(decode_text("\x1b$B$\"\x1b(B", "iso-2022-jp"), "あ");
}

TEST(Charset, UnknownNamesAreUtf8AsInRequests) {
  EXPECT_TRUE(is_known_encoding("Windows-1251"));
  EXPECT_FALSE(is_known_encoding("nope"));
  EXPECT_FALSE(is_known_encoding(""));
  EXPECT_FALSE(is_known_encoding("../../tmp/x"));
  EXPECT_EQ(decode_text("\xc3\xa9\xff", "nope"), "é�");
}

TEST(Charset, WholeTexts) {
  EXPECT_EQ(text_of("\xe9", "text/plain"), "é");
  EXPECT_EQ(text_of("\xc3\xa9", "application/json"), "é");
  EXPECT_EQ(text_of("\xcf\xf0", "text/html; charset=windows-1251"), "Пр");
  EXPECT_EQ(text_of("\x93", ""), "“");
  EXPECT_EQ(text_of("", ""), "");
  // Longer than the converter's chunks, whose border a character of three bytes crosses.
  std::string body;
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    body += "\x82\xa0";
    text += "あ";
  }
  EXPECT_EQ(text_of(body, "text/plain; charset=shift_jis"), text);
}

}  // namespace
}  // namespace locust::http
