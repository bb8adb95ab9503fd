# Verbs. What they do is in CMakeLists.txt and scripts/.
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60

.PHONY: all demo test bench accuracy tower-gain fuzz kill-campaign format install clean

all: # the program: build/release/headwise
	scripts/setup.sh build
	cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX) -Wno-dev --log-level=WARNING
	cmake --build --preset release

demo: # from nothing to a trained and measured classifier
	scripts/demo.sh

test: # everything that a change must pass
	scripts/test.sh

bench: all # minutes: speed, beside fastText
	scripts/setup.sh bench
	python3 bench/speed.py --markdown docs/performance.md

accuracy: all # hours: accuracy on the public data sets, beside two baselines
	scripts/setup.sh bench
	bench/setup.sh
	bench/venv/bin/python bench/accuracy.py --seeds 1,2,3 --markdown docs/accuracy.md

tower-gain: all # an hour: what the attention towers add, five seeds
	scripts/setup.sh bench
	bench/setup.sh
	bench/venv/bin/python bench/tower_gain.py --markdown docs/accuracy.md

fuzz: # each parser for FUZZ_SECONDS
	FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/fuzz.sh

kill-campaign: all # minutes: trainings that are killed at random and resumed
	scripts/kill_campaign.sh build/release/headwise

format:
	scripts/check_format.sh --fix

install: all
	cmake --install build/release

clean:
	rm -rf build
