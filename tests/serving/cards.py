"""Cards written by hand from published architectures, so that the physics is tested without the catalogue."""

from capacity.catalogue.cards import Accelerator, Interconnect, ModelCard
from capacity.serving import Slo, Workload

GPT3 = ModelCard("gpt3", "GPT-3 175B", "OpenAI", "dense", 2020.4, 96, 12288, 49152, 96, 96, 128, 2, 50257,
                 attention="mha", tied_embeddings=True, positions=2048)
LLAMA70 = ModelCard("llama3.1-70b", "Llama 3.1 70B", "Meta", "dense", 2024.5, 80, 8192, 28672, 64, 8, 128, 3, 128256)
DEEPSEEK = ModelCard("deepseek-v3", "DeepSeek-V3", "DeepSeek", "moe", 2025.0, 61, 7168, 18432, 128, 128, 56, 3, 129280,
                     d_ff_expert=2048, experts_total=256, experts_active=8, experts_shared=1, dense_first_layers=3,
                     attention="mla", q_lora_rank=1536, kv_lora_rank=512, qk_nope_dim=128, qk_rope_dim=64,
                     v_head_dim=128)
GPT_OSS = ModelCard("gpt-oss-120b", "gpt-oss-120b", "OpenAI", "moe", 2025.6, 36, 2880, 2880, 64, 8, 64, 3, 201088,
                    d_ff_expert=2880, experts_total=128, experts_active=4, sliding_window=128, sliding_share=0.5)
THOUSANDFOLD = ModelCard("gpt3x1000", "1000 x GPT-3", "hypothetical", "dense", 2026.0, 448, 180224, 880640, 1408, 176,
                         128, 2, 200064)


def accelerator(name: str = "h100", **changes: object) -> Accelerator:
    base = {"id": name, "name": name, "vendor": "NVIDIA", "generation": "hopper",
            "status": "released", "available": 2023.0, "bf16_tflops": 989.0, "fp8_tflops": 1979.0,
            "fp4_tflops": None, "int8_tops": 1979.0,
            "memory_gb": 80.0, "memory_usable_gb": 80.0, "memory_bandwidth_gb_s": 3350.0, "scale_up_fabric": "nvlink4",
            "scale_up_gb_s": 450.0, "scale_up_domain": 8, "host_link_gb_s": 64.0, "host_memory_gb": 256.0,
            "nic_gbit_s": 400.0,
            "tdp_w": 700.0,
            "it_power_w": 1453.0, "price_low_usd": 25e3, "price_usd": 30e3, "price_high_usd": 35e3}
    return Accelerator(**{**base, **changes})  # type: ignore[arg-type]


H100 = accelerator()
RUBIN = accelerator("vr200", generation="rubin", bf16_tflops=4000.0, fp8_tflops=17500.0, fp4_tflops=35000.0,
                    memory_gb=288.0, memory_usable_gb=288.0, memory_bandwidth_gb_s=22000.0, scale_up_gb_s=1800.0,
                    scale_up_domain=72,
                    host_link_gb_s=450.0, host_memory_gb=480.0, nic_gbit_s=1600.0, it_power_w=2900.0)


def links(card: Accelerator, reach: int = 32768) -> Interconnect:
    return Interconnect(card.scale_up_domain, 3e-6, card.scale_up_gb_s, 0.8, 6e-6, card.nic_gbit_s / 8, 0.9, reach)


THINKER = Workload(30000 / 3600, 10000 / 3600, 100000 / 3600, 32000, 64000, 20 / 3600)
AGENT = Workload(40000 / 3600, 60000 / 3600, 200000 / 3600, 64000, 200000, 20 / 3600)
THINKER_SLO = Slo(2.0, 0.050, 0.95)
AGENT_SLO = Slo(10.0, 0.033, 0.95)
