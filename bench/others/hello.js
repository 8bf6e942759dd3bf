// hello.py for k6: one GET after another, bodies thrown away, which is its fastest way.
import http from 'k6/http';

export const options = { discardResponseBodies: true };

export default function () {
  http.get(`${__ENV.HOST}/hello/`);
}
