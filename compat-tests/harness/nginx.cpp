#include "harness/nginx.h"

#include <fmt/format.h>

#include <fstream>

#include "harness/web.h"

namespace compat {
namespace {

constexpr const char* config = R"(
load_module /usr/lib/nginx/modules/ngx_http_brotli_filter_module.so;
daemon off;
master_process off;
pid {folder}/nginx.pid;
events {{ worker_connections 500; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  default_type text/plain;
  ssl_certificate {certificate};
  ssl_certificate_key {key};
  ssl_session_cache shared:sessions:1m;
  add_header X-Connection $connection always;
  add_header X-Protocol $ssl_protocol always;
  add_header X-Reused $ssl_session_reused always;
  add_header X-Client $ssl_client_s_dn always;
  add_header X-Address $server_addr always;
  add_header X-Peer $remote_addr always;
  server {{
{listen}    listen unix:{folder}/nginx.sock;
    include {folder}/routes.conf;
  }}
  server {{
    listen 127.0.0.1:{tls12} ssl;
    ssl_protocols TLSv1.2;
    include {folder}/routes.conf;
  }}
  server {{
    listen 127.0.0.1:{tls13} ssl;
    ssl_protocols TLSv1.3;
    include {folder}/routes.conf;
  }}
  server {{
    listen 127.0.0.1:{client} ssl;
    ssl_client_certificate {client_ca};
    ssl_verify_client on;
    include {folder}/routes.conf;
  }}
  server {{
    listen 127.0.0.1:{named} ssl default_server;
    ssl_reject_handshake on;
  }}
  server {{
    listen 127.0.0.1:{named} ssl;
    server_name localhost;
    include {folder}/routes.conf;
  }}
}}
)";

constexpr const char* routes = R"(
location / {{ return 200 "hello\n"; }}
location = /text {{
  root {folder};
  gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;
}}
location = /brotli {{
  alias {folder}/text;
  brotli on; brotli_types *; brotli_min_length 1;
}}
location = /plain-text {{ alias {folder}/text; }}
location = /empty {{ return 204; }}
location = /not-modified {{ return 304; }}
location = /drop {{ return 444; }}
location = /reset {{ reset_timedout_connection on; return 444; }}
location = /slow {{ alias {folder}/text; limit_rate 800k; limit_rate_after 40k; }}
location = /crawl {{ alias {folder}/text; limit_rate 1k; }}
location = /trailers {{
  root {folder}; try_files /text =404;
  gzip on; gzip_types *; gzip_min_length 1;
  add_trailer X-Sum 7;
}}
location = /small {{ client_max_body_size 1k; proxy_pass http://127.0.0.1:{plain}/post; }}
location = /small-at-once {{
  client_max_body_size 1k; lingering_close off;
  proxy_pass http://127.0.0.1:{plain}/post;
}}
location = /upload {{ client_max_body_size 8m; proxy_pass http://127.0.0.1:{plain}/size; }}
location = /size {{ client_max_body_size 8m; return 200 "$http_content_length"; }}
location = /error {{ return 503 "sorry"; }}
location = /one {{ keepalive_timeout 0; return 200 "one\n"; }}
location = /two {{ keepalive_requests 2; return 200 "two\n"; }}
location = /found {{ return 302 /text; }}
location = /permanent {{ return 301 /; }}
location = /again {{ return 307 /post; }}
location = /loop {{ return 302 /loop; }}
location = /to-plain {{ return 302 http://127.0.0.1:{plain}/; }}
location = /to-tls {{ return 302 https://127.0.0.1:{tls13}/; }}
location = /login {{ add_header Set-Cookie "id=7; Path=/"; return 303 /cookie; }}
location = /cookie {{ return 200 "$http_cookie"; }}
location = /post {{ return 200 "$request_method $http_authorization"; }}
)";

}  // namespace

Nginx::Nginx(TempDir& dir, const NginxFiles& files) {
  const std::string folder = dir.path().string();
  socket_ = folder + "/nginx.sock";
  std::string text;
  while (text.size() < text_size) text += fmt::format("line {} of the text\n", text.size());
  text.resize(text_size);
  std::ofstream(dir.path() / "text") << text;
  std::string listen;
  for (int last = 1; last <= addresses; ++last) {
    listen += fmt::format("    listen 127.0.0.{}:{};\n", last, plain());
  }
  const auto fill = [&](const char* pattern) {
    return fmt::format(fmt::runtime(pattern), fmt::arg("folder", folder),
                       fmt::arg("certificate", files.certificate), fmt::arg("key", files.key),
                       fmt::arg("client_ca", files.client_ca), fmt::arg("plain", plain()),
                       fmt::arg("tls12", tls12()), fmt::arg("tls13", tls13()),
                       fmt::arg("client", client_certificate()), fmt::arg("named", named()),
                       fmt::arg("listen", listen));
  };
  std::ofstream(dir.path() / "routes.conf") << fill(routes);
  std::ofstream(dir.path() / "nginx.conf") << fill(config);
  process_.emplace(dir, "nginx",
                   std::vector<std::string>{"/usr/sbin/nginx", "-p", folder, "-e", "stderr", "-c",
                                            folder + "/nginx.conf"});
  eventually(
      "nginx to answer",
      [&] {
        if (!process_->running()) return Seen{true, process_->log()};
        return Seen{web_get(plain(), "/").status == 200, process_->log()};
      },
      default_limit, 20ms);
}

}  // namespace compat
