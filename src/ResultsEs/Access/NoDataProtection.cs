using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;

namespace ResultsEs.Access;

/// <summary>
/// ASP.NET Core's data protection, kept from writing its keys to the home folder at start. Authentication adds it for cookies;
/// nothing here uses it, because tokens are signed with <see cref="SigningKey"/>.
/// </summary>
internal static class NoDataProtection
{
    public static void Apply(IServiceCollection services) => services.Configure<KeyManagementOptions>(static options =>
    {
        options.XmlRepository = new EmptyKeyRing();
        options.XmlEncryptor = new NullXmlEncryptor();
    });

    private sealed class EmptyKeyRing : IXmlRepository
    {
        public IReadOnlyCollection<XElement> GetAllElements() => [];

        public void StoreElement(XElement element, string friendlyName)
        {
        }
    }
}
