// hello.py for boomer: one GET after another with fasthttp, the client that boomer's own examples
// take for speed. Without a master: the released boomer speaks the protocol of Locust 1.
package main

import (
	"os"
	"strconv"
	"time"

	"github.com/myzhan/boomer"
	"github.com/valyala/fasthttp"
)

var (
	url    = os.Args[1] + "/hello/"
	client = fasthttp.Client{MaxConnsPerHost: 1 << 20}
)

func hello() {
	request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(request)
	defer fasthttp.ReleaseResponse(response)
	request.SetRequestURI(url)
	began := time.Now()
	err := client.Do(request, response)
	took := time.Since(began).Milliseconds()
	switch {
	case err != nil:
		runner.RecordFailure("GET", "/hello/", took, err.Error())
	case response.StatusCode() >= 400:
		runner.RecordFailure("GET", "/hello/", took, fasthttp.StatusMessage(response.StatusCode()))
	default:
		runner.RecordSuccess("GET", "/hello/", took, int64(len(response.Body())))
	}
}

var runner *boomer.Boomer

func main() {
	users, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	runner = boomer.NewStandaloneBoomer(users, float64(users))
	runner.AddOutput(boomer.NewConsoleOutput())
	runner.Run(&boomer.Task{Name: "hello", Fn: hello})
}
