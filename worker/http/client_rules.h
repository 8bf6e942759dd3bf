// What Locust's two HTTP clients decide differently: FastHttpUser (geventhttpclient) and HttpUser
// (requests). No I/O and no state.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/response.h"
#include "http/url.h"

namespace locust::http {

enum class ClientRules { fast_http_user, http_user };

// Whether a final status counts as a success …
bool is_success(ClientRules rules, int status);
// … and what the failures tab says where it does not. HttpUser's text has the row's name in it in
// place of the URL (clients.py, ResponseContextManager.__exit__).
std::string failure_of_status(ClientRules rules, const Response& response, std::string_view name);

// The row of a request that is not given a name: the URL as the user wrote it, or its path and
// query as they are sent.
std::string default_name(ClientRules rules, std::string_view written, const Url& url);

bool is_redirect(int status);
// The method that asks at the new place.
std::string method_after_redirect(ClientRules rules, std::string_view method, int status);
// Whether the Authorization of a request goes with it to another place.
bool keeps_credentials(ClientRules rules, const Origin& from, const Origin& to);
// Failures of a redirect: there were too many, or this Location, of the answer from `here`, leads
// nowhere.
std::string failure_of_redirects(ClientRules rules, const std::string& first_url, unsigned limit);
std::string failure_of_location(ClientRules rules, const Url& here, std::string_view location);
// The new place wants the body, which can be read only once.
std::string failure_to_rewind(ClientRules rules, const Url& here);

// A failure below HTTP in the words of this client. Given is FastHttpUser's text (http/failure.h).
std::string failure_as_told(ClientRules rules, std::string failure, const Origin& origin,
                            SteadyDuration timeout);

}  // namespace locust::http
