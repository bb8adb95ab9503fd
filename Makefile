# Verbs. What they do is in CMakeLists.txt and scripts/.
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60

.PHONY: all demo test bench peer-bench accuracy tower-gain encoder-setup encoder-parity \
    encoder-bench fine-tune-bench few-shot-bench pretrain-bench study-sets \
    verdict-simulation fuzz kill-campaign format install clean

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
	python3 bench/training_time.py --markdown docs/performance.md

accuracy: all # hours: accuracy on the public data sets, beside two baselines
	scripts/setup.sh bench
	bench/setup.sh
	bench/venv/bin/python bench/accuracy.py --seeds 1,2,3 --markdown docs/accuracy.md

tower-gain: all # an hour: what the attention towers add, five seeds
	scripts/setup.sh bench
	bench/setup.sh
	bench/venv/bin/python bench/tower_gain.py --markdown docs/accuracy.md

encoder-setup: all
	scripts/setup.sh bench
	bench/setup.sh encoder

encoder-parity: encoder-setup # an hour: token ids, offsets and logits beside Hugging Face's
	bench/venv/bin/python bench/encoder_parity.py --markdown docs/encoders.md
	bench/venv/bin/python bench/tokenizer_parity.py --markdown docs/encoders.md

encoder-bench: encoder-setup # two hours on an idle machine: speed beside other engines
	bench/venv/bin/python bench/encoder_start.py --markdown docs/encoders.md
	bench/venv/bin/python bench/encoder_speed.py --markdown docs/encoders.md
	bench/venv/bin/python bench/encoder_speed.py --int8 --markdown docs/encoders.md

peer-bench: encoder-setup # hours on an idle machine: all other speed, with AVX2 alone, too
	bench/peer_bench.sh

fine-tune-bench: encoder-setup # an hour on an idle machine: accuracy and speed beside PyTorch
	bench/venv/bin/python bench/fine_tune.py --markdown docs/encoders.md

few-shot-bench: encoder-setup # hours: 8 to 64 texts a label
	bench/venv/bin/python bench/few_shot.py --markdown docs/encoders.md

pretrain-bench: encoder-setup # hours: what pretraining on unlabelled texts buys
	bench/venv/bin/python bench/pretrain_gain.py --markdown docs/encoders.md

study-sets: all # hours on an idle machine: the ten claims on five sets
	python3 bench/study_sets.py

verdict-simulation: # minutes: studies whose truth is known against the verdicts on them
	scripts/setup.sh test
	cmake --preset test --log-level=WARNING
	cmake --build --preset test --target verdict_simulation
	bench/verdict_simulation.py build/test/tests/verdict_simulation docs/study/verdict-engine.md

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
