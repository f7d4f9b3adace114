package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// emulatorOptions are the options of "ecsfs emulator". The knobs of the server
// are set in it as they are read.
type emulatorOptions struct {
	Server *ecstest.Server

	Listen  string
	From    string // a folder to load; "": the demo data
	Empty   bool   // load nothing
	TLS     string // where the certificate is written to; "": no TLS
	Rules   string // a file of fault rules; "": none
	Control string // where rules are changed; "": nowhere
	Verbose bool
	// Maintenance is what the server says of its node.
	Maintenance bool
	Skew        time.Duration
}

func newEmulatorOptions() *emulatorOptions {
	server := ecstest.NewUnstartedServer()
	server.RecordLimit = -1 // nobody asks what was requested
	return &emulatorOptions{Server: server, Listen: "127.0.0.1:9020"}
}

// The words for knobs whose values have names.
var (
	endMarkers = map[string]ecstest.EndMarker{
		"absent": ecstest.EndAbsent, "no-more-pages": ecstest.EndNoMorePages, "null": ecstest.EndNull, "empty": ecstest.EndEmpty,
	}
	keyCases = map[string]ecstest.KeyCase{"lower": ecstest.LowerKeys, "as-written": ecstest.KeysAsWritten}
	switches = map[string]ecstest.Switch{"on": ecstest.On, "off": ecstest.Off}
)

// olderVersionsParams are the names that clients have for one parameter.
var olderVersionsParams = []string{"include-older-versions", "include-older-version", "include_older_version"}

// flags returns the flags that set o; what o holds is the default.
func (o *emulatorOptions) flags() []cli.Flag {
	var all []cli.Flag
	for _, group := range []struct {
		category string
		flags    []cli.Flag
	}{
		{"Address and data", o.serveFlags()},
		{"Faults", o.faultFlags()},
		{"Kind of ECS", o.kindFlags()},
		{"Quirks of some ECS", o.quirkFlags()},
		{"Speed", o.speedFlags()},
	} {
		setCategory(group.flags, group.category)
		all = append(all, group.flags...)
	}
	return all
}

func (o *emulatorOptions) serveFlags() []cli.Flag {
	s := o.Server
	return []cli.Flag{
		&cli.StringFlag{Name: "listen", Destination: &o.Listen, Value: o.Listen, EnvVars: []string{"ECSFS_LISTEN"},
			Usage: "listen on `HOST:PORT` of this machine alone; port 0: any that is free"},
		fromFlag(&o.From),
		&cli.BoolFlag{Name: "empty", Destination: &o.Empty, EnvVars: []string{"ECSFS_EMPTY"},
			Usage: "begin without a bucket: ecsfs mb and ecsfs put make what there is"},
		&cli.StringFlag{Name: "tls", Destination: &o.TLS, EnvVars: []string{"ECSFS_TLS"},
			Usage: "speak https, under a certificate of its own that is written to `FILE`, for --ca-bundle"},
		&cli.StringFlag{Name: "data", Destination: &s.Data, EnvVars: []string{"ECSFS_DATA"},
			Usage: "keep everything in `DIR`, which is made, and begin with what it has; else in memory"},
		&cli.StringFlag{Name: "namespace", Destination: &s.Namespace, DefaultText: "ecstest", EnvVars: []string{"ECSFS_NAMESPACE"},
			Usage: "the namespace `NAME` of all objects"},
		&cli.GenericFlag{Name: "virtual-host", Value: &value[string]{&s.VirtualHost, parseDomain, ""}, EnvVars: []string{"ECSFS_VIRTUAL_HOST"},
			Usage: "take BUCKET.`DOMAIN` for the address of a bucket, beside paths"},
		&cli.GenericFlag{Name: "max-object-size", Value: &value[int64]{&s.MaxObjectSize, parseSize, ""}, DefaultText: "1GiB", EnvVars: []string{"ECSFS_MAX_OBJECT_SIZE"},
			Usage: "refuse objects above `SIZE`"},
		&cli.GenericFlag{Name: "min-part-size", Value: &value[int64]{&s.MinPartSize, parseSize, ""}, DefaultText: "5MiB", EnvVars: []string{"ECSFS_MIN_PART_SIZE"},
			Usage: "refuse parts of an upload below `SIZE`, but for the last"},
		&cli.GenericFlag{Name: "data-nodes", Value: &value[[]string]{&s.DataNodes, parseNodes, ""}, DefaultText: "its own", EnvVars: []string{"ECSFS_DATA_NODES"},
			Usage: "name the `ADDRESSES` as the data nodes, separated by commas, without ports"},
		&cli.BoolFlag{Name: "maintenance", Destination: &o.Maintenance, EnvVars: []string{"ECSFS_MAINTENANCE"},
			Usage: "say that this node is in maintenance, as \"ecsfs nodes\" shows"},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Destination: &o.Verbose, EnvVars: []string{"ECSFS_VERBOSE"},
			Usage: "print a line for every request that is answered with an error"},
	}
}

func (o *emulatorOptions) kindFlags() []cli.Flag {
	s := o.Server
	return []cli.Flag{
		&cli.GenericFlag{Name: "generation", Value: &value[ecstest.Generation]{&s.Generation, ecstest.ParseGeneration, ""}, DefaultText: string(ecstest.ECS38), EnvVars: []string{"ECSFS_GENERATION"},
			Usage: "be an ECS of this `RELEASE`, with its keys, its limits and its faults:\n" + generationNames() + "; ObjectScale 4.x is as " + string(ecstest.ECS38)},
		&cli.GenericFlag{Name: "seed", Value: &value[int64]{&s.Seed, parseSeed, ""}, DefaultText: "1", EnvVars: []string{"ECSFS_SEED"},
			Usage: "shuffle what ECS leaves undefined (ties, lists of keys) as `N` says"},
		&cli.GenericFlag{Name: "page-size", Value: &value[int]{&s.PageSize, parseCount, ""}, DefaultText: "1000", EnvVars: []string{"ECSFS_PAGE_SIZE"},
			Usage: "answer searches and listings with at most `N` rows a page"},
		&cli.GenericFlag{Name: "clock-skew", Value: &value[time.Duration]{&o.Skew, parseSkew, ""}, EnvVars: []string{"ECSFS_CLOCK_SKEW"},
			Usage: "have a clock that is `DURATION` ahead of this machine's, or, with a -, behind"},
	}
}

func (o *emulatorOptions) quirkFlags() []cli.Flag {
	s := o.Server
	return []cli.Flag{
		&cli.GenericFlag{Name: "end-marker", Value: &value[ecstest.EndMarker]{&s.EndMarker, parseWord(endMarkers), ""}, DefaultText: "the generation's", EnvVars: []string{"ECSFS_END_MARKER"},
			Usage: "end searches with the `FORM` of NextMarker: absent, no-more-pages, null or empty"},
		&cli.GenericFlag{Name: "key-case", Value: &value[ecstest.KeyCase]{&s.KeyCase, parseWord(keyCases), ""}, DefaultText: "the generation's", EnvVars: []string{"ECSFS_KEY_CASE"},
			Usage: "spell indexed user keys in results in the `CASE`: lower or as-written"},
		&cli.GenericFlag{Name: "sign-query", Value: &value[ecstest.Switch]{&s.SignQuery, parseWord(switches), ""}, DefaultText: "the generation's", EnvVars: []string{"ECSFS_SIGN_QUERY"},
			Usage: "have signatures of version 2 cover query and searchmetadata: `on` or off"},
		&cli.BoolFlag{Name: "sign-attributes", Destination: &s.SignAttributes, EnvVars: []string{"ECSFS_SIGN_ATTRIBUTES"},
			Usage: "have signatures of version 2 cover attributes too, as some builds did"},
		&cli.BoolFlag{Name: "mark-full-page", Destination: &s.MarkFullPage, EnvVars: []string{"ECSFS_MARK_FULL_PAGE"},
			Usage: "follow a last page that is exactly full by an empty one"},
		&cli.BoolFlag{Name: "zero-max-keys", Destination: &s.ZeroMaxKeys, EnvVars: []string{"ECSFS_ZERO_MAX_KEYS"},
			Usage: "have MaxKeys 0 in answers to a search without max-keys"},
		&cli.GenericFlag{Name: "older-versions-param", Value: &value[string]{&s.OlderVersionsParam, parseChoice(olderVersionsParams...), ""}, DefaultText: "any of them", EnvVars: []string{"ECSFS_OLDER_VERSIONS_PARAM"},
			Usage: "know this `NAME` alone for the older versions of objects in a search:\n" + strings.Join(olderVersionsParams, ", ")},
		&cli.BoolFlag{Name: "keep-search-keys", Destination: &s.KeepSearchKeys, EnvVars: []string{"ECSFS_KEEP_SEARCH_KEYS"},
			Usage: "answer DELETE ?searchmetadata and do nothing"},
		&cli.BoolFlag{Name: "list-without-search", Destination: &s.ListWithoutSearch, EnvVars: []string{"ECSFS_LIST_WITHOUT_SEARCH"},
			Usage: "list no keys of a bucket without metadata search, instead of an error"},
		&cli.BoolFlag{Name: "omit-no-matches", Destination: &s.OmitNoMatches, EnvVars: []string{"ECSFS_OMIT_NO_MATCHES"},
			Usage: "leave ObjectMatches out of the answer to a search that finds nothing"},
		&cli.BoolFlag{Name: "capital-datatypes", Destination: &s.CapitalDatatypes, EnvVars: []string{"ECSFS_CAPITAL_DATATYPES"},
			Usage: "list datatypes as String, Integer, Decimal and Datetime"},
		&cli.BoolFlag{Name: "error-namespace", Destination: &s.ErrorNamespace, EnvVars: []string{"ECSFS_ERROR_NAMESPACE"},
			Usage: "put errors into the XML namespace of S3"},
		&cli.BoolFlag{Name: "no-search-attributes", Destination: &s.NoSearchAttributes, EnvVars: []string{"ECSFS_NO_SEARCH_ATTRIBUTES"},
			Usage: "ignore the parameter attributes of a search"},
	}
}

func (o *emulatorOptions) faultFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "rules", Destination: &o.Rules, EnvVars: []string{"ECSFS_RULES"},
			Usage: "fail as the rules in `FILE` say, a JSON array, as\n" + exampleRules},
		&cli.StringFlag{Name: "control", Destination: &o.Control, EnvVars: []string{"ECSFS_CONTROL"},
			Usage: "let every user of this machine change the rules, and see the requests, by HTTP on\n`HOST:PORT`; port 0: any that is free"},
	}
}

// exampleRules is a file for --rules.
const exampleRules = `[{"operations": ["GetObject"], "times": 3, "status": 503}]`

// loadRules reads the fault rules in a file.
func loadRules(name string) ([]ecstest.Rule, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fail(statCode(err), "--rules %s: %w", name, pathCause(err))
	}
	var rules []ecstest.Rule
	err = json.Unmarshal(text, &rules)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return nil, fail(exitUsage, "--rules %s: not an array of rules, as %s: %w", name, exampleRules, syntax)
	}
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil, fail(exitUsage, "--rules %s: not an array of rules, as %s", name, exampleRules)
	}
	if err != nil {
		return nil, fail(exitUsage, "--rules %s: a rule: %w", name, err)
	}
	return rules, nil
}

func (o *emulatorOptions) speedFlags() []cli.Flag {
	s := o.Server
	return []cli.Flag{
		&cli.GenericFlag{Name: "latency", Value: &value[time.Duration]{&s.Latency, parseDuration, ""}, DefaultText: "0s", EnvVars: []string{"ECSFS_LATENCY"},
			Usage: "wait `DURATION` before each answer"},
		&cli.GenericFlag{Name: "bandwidth", Value: &value[int64]{&s.Bandwidth, parseSize, ""}, DefaultText: "no bound", EnvVars: []string{"ECSFS_BANDWIDTH"},
			Usage: "let `SIZE` a second through, of what is received, and of what is sent, as 10M"},
		&cli.GenericFlag{Name: "index-delay", Value: &value[time.Duration]{&s.IndexDelay, parseDuration, ""}, DefaultText: "0s", EnvVars: []string{"ECSFS_INDEX_DELAY"},
			Usage: "let searches see a change `DURATION` after it was made"},
	}
}

// generationNames are those of all generations, for a text.
func generationNames() string {
	var names []string
	for _, g := range ecstest.Generations() {
		names = append(names, string(g))
	}
	return strings.Join(names, ", ")
}

// parseWord returns a parser of the words of a knob.
func parseWord[T any](words map[string]T) func(string) (T, error) {
	choose := parseChoice(sortedKeys(words)...)
	return func(text string) (T, error) {
		word, err := choose(text)
		return words[word], err
	}
}

// parseSeed reads a whole number.
func parseSeed(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("not a whole number")
	}
	return n, nil
}

// parseSkew reads a duration of either sign.
func parseSkew(text string) (time.Duration, error) {
	rest, behind := strings.CutPrefix(text, "-")
	d, err := parseDuration(strings.TrimPrefix(rest, "+"))
	if behind {
		d = -d
	}
	return d, err
}

// parseNodes reads addresses without ports.
func parseNodes(text string) ([]string, error) {
	nodes := strings.Split(text, ",")
	for _, node := range nodes {
		if _, err := parseDomain(node); err != nil && net.ParseIP(node) == nil {
			return nil, fmt.Errorf("%q is no address without a port, such as 127.0.0.1", node)
		}
	}
	return nodes, nil
}

// parseDomain reads the name of a host.
func parseDomain(text string) (string, error) {
	if text == "" || strings.Trim(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" || net.ParseIP(text) != nil {
		return "", fmt.Errorf("not a domain, such as s3.localhost")
	}
	return text, nil
}
