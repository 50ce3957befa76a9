using Marten;
using ResultsEs.Access;
using ResultsEs.Changes;

namespace ResultsEs.Webhooks;

internal static class WebhooksSetup
{
    /// <summary>Adds webhooks: their tables, what makes their messages, and what sends them.</summary>
    public static WebApplicationBuilder AddWebhooks(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSettings<WebhookOptions>(builder.Configuration.GetSection(WebhookOptions.Section), WebhookOptions.Problems);
        services.AddSingleton(provider => AddressRules.Of(provider.GetRequiredService<IOptions<WebhookOptions>>().Value));
        // A receiver of a developer has no certificate.
        services.AddSingleton(provider =>
            new WebhookUrl(provider.GetRequiredService<AddressRules>(), takesHttp: builder.Environment.IsDevelopment()));
        services.AddSingleton(provider => new SecretSeal(
            SecretSeal.Webhooks,
            provider.GetRequiredService<SigningKey>(),
            provider.GetRequiredService<IOptions<WebhookOptions>>().Value.FormerSigningKeyPath is { } former
                ? SigningKey.Load(former)
                : null));
        services.AddSingleton(provider => new WebhookClient(
            provider.GetRequiredService<AddressRules>(),
            TimeSpan.FromSeconds(provider.GetRequiredService<IOptions<WebhookOptions>>().Value.TimeoutSeconds)));
        services.AddSingleton<WebhookRights>();
        services.AddSingleton<WebhookSignal>();
        services.AddSingleton<WebhookQueue>();
        services.AddSingleton<WebhookDispatch>();
        services.AddSingleton(provider => new WebhookStore(
            provider.GetRequiredService<NpgsqlDataSource>(),
            provider.GetRequiredService<ChangeFeed>(),
            provider.GetRequiredService<WebhookRights>(),
            provider.GetRequiredService<SecretSeal>(),
            provider.GetRequiredService<WebhookUrl>(),
            provider.GetRequiredService<WebhookSignal>(),
            provider.GetRequiredService<IOptions<WebhookOptions>>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new WebhookLog(
            provider.GetRequiredService<NpgsqlDataSource>(),
            provider.GetRequiredService<WebhookSignal>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddHostedService<WebhookDispatcher>();
        services.AddHostedService<WebhookSender>();
        services.AddHostedService<WebhookUpkeep>();
        services.ConfigureMarten(options => options.Storage.Add(new WebhookSchema(options.Advanced.Migrator)));
        return builder;
    }
}
