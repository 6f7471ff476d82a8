# The README's set-up in a container:
#   docker build -t rosetta . && docker run --rm rosetta --quick -f PyTorch
# For GPUs: docker run --rm --gpus all rosetta
FROM debian:12-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends \
      python3 python3-dev python3-venv ca-certificates git g++ libgomp1 \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /rosetta
COPY . .
RUN python3 run_all.py --list --gpu none > /dev/null
ENTRYPOINT ["python3", "run_all.py"]
CMD ["--help"]
